"""``python -m shop [PORT]``: the shop as a web server, with its orders in ``shop.db``."""

import sys

from shop.data.store import OrderStore
from shop.web.server import serve


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    with OrderStore("shop.db") as store, serve(store, port) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}/")
        server.serve_forever()


if __name__ == "__main__":
    main()
