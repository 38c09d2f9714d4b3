"""The shop over HTTP: JSON at ``/orders``, pages at ``/orders/N.html``. For one machine."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer

from shop.data.store import OrderStore
from shop.service.api import handle
from shop.web.page import page

_LIMIT = 65_536


def serve(store: OrderStore, port: int = 0) -> HTTPServer:
    """A server on loopback; port 0 takes a free one. The caller runs and closes it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, dot, kind = self.path.partition(".")
            status, body = handle(store, "GET", path)
            if dot and kind == "html" and status == 200:
                self._send(status, "text/html; charset=utf-8", page(body))
            else:
                self._send(status, "application/json", json.dumps(body))

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            try:
                sent = json.loads(self.rfile.read(min(size, _LIMIT)))
            except ValueError:
                sent = None
            status, body = (
                handle(store, "POST", self.path, sent)
                if isinstance(sent, dict)
                else (400, {"error": "send a JSON object"})
            )
            self._send(status, "application/json", json.dumps(body))

        def _send(self, status: int, kind: str, body: str) -> None:
            content = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the shop's tests read what it answers, not what it logs."""

    return HTTPServer(("127.0.0.1", port), Handler)
