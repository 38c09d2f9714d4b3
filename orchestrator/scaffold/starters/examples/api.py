"""A very small JSON API, so that the endpoint check has something to ask.

Put the start command of your own application into ``flows/endpoints.json``
and delete this file.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Orders(BaseHTTPRequestHandler):
    orders = {}

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, {"status": "ok"})
        order = self.orders.get(self.path.removeprefix("/orders/"))
        return self.answer(200, order) if order else self.answer(404, {"error": "no such order"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            item = json.loads(body)["item"]
        except (ValueError, KeyError, TypeError):
            return self.answer(400, {"error": "an item is needed"})
        order = {"id": str(len(self.orders) + 1), "item": item, "state": "open"}
        self.orders[order["id"]] = order
        return self.answer(201, order)

    def log_message(self, *_):
        """Keep quiet: the check prints what matters."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Orders).serve_forever()
