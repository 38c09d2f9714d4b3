"""A small service, and flows that use it, for the tests of data flow."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from orchestrator.config.model import Config, Contract, Flow, Layer, Probe, Request, Service, Step
from orchestrator.plugins.builtin import dataflow
from orchestrator.plugins.spec import CheckResult
from orchestrator.testing import plugins as harness

__all__ = ["PROGRAM", "SERVICE", "call", "flow", "settings", "write_program"]

#: Answers by path: /health, /orders (echoes with an id), /slow, /html, /away, /nothing, /bye.
PROGRAM = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def _answer(self, status, body, kind="application/json", **headers):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/html":
            return self._answer(200, b"<!doctype html><p>hello", "text/html")
        if self.path == "/away":
            return self._answer(302, b"", Location="http://example.org/orders")
        if self.path == "/nothing":
            return self._answer(204, b"")
        if self.path == "/slow":
            time.sleep(30)
        if self.path == "/bye":
            print("out of tea", flush=True)
            os._exit(7)
        if self.path.startswith("/orders/"):
            return self._answer(200, json.dumps({"id": self.path.split("/")[-1]}).encode())
        self._answer(200, b'{"status": "ok"}')

    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "item" not in sent:
            return self._answer(400, b'{"error": "an item is needed"}')
        self._answer(201, json.dumps({"id": "1", **sent}).encode())

    def log_message(self, *_):
        pass

print("starting", flush=True)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

SERVICE = Service(
    "orders",
    f"exec {sys.executable} -I -S service.py",
    "web",
    ready=Probe(http="/health", within=20.0),
)


def write_program(repo: Path) -> Path:
    (repo / "service.py").write_text(PROGRAM)
    return repo


def call(name: str, path: str, method: str = "GET", layer: str | None = "web", **rest: Any) -> Step:
    """A step that asks the service."""
    asked = {key: rest.pop(key) for key in ("status", "headers", "external") if key in rest}
    http = Request(path if "://" in path else f"{{orders.url}}{path}", method, **asked)
    return Step(name, layer=layer, http=http, **rest)


def settings(*steps: Step, service: Service | None = None, **options: Any) -> Config:
    """A flow ``main`` through the layers data and web; ``service`` is started for it."""
    contracts = options.pop("contracts", {})
    layers = {
        "data": Layer("data", ("data/**",)),
        "web": Layer("web", ("web/**",), ("data",), **options.pop("web", {})),
    }
    services = {} if service is None else {service.name: service}
    chosen = Flow("main", steps, services=tuple(services), **options)
    return harness.config(
        layers=layers,
        services=services,
        flows={"main": chosen},
        contracts={name: Contract(name, *parts) for name, parts in contracts.items()},
    )


def flow(repo: Path, *steps: Step, timeout: float = 60.0, **options: Any) -> CheckResult:
    """Play it."""
    chosen = settings(*steps, **options)
    [check] = [c for c in harness.plan(dataflow, chosen, checkout=repo) if "/flow/" in c.id]
    where = harness.context(repo, repo.parent / "scratch", settings=chosen, timeout=timeout)
    return harness.execute(dataflow, check, where)
