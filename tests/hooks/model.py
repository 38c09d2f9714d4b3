"""A scripted model: answers a real client's requests with the next step of its script.

A step is the text or the tool calls of one assistant message. Which script is in the
address (``/s/NAME``), or in a sub-agent's prompt (``[script:NAME]``); which step is how
many assistant messages the request has, so any number of clients may ask at once.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Model", "call"]

Step = dict[str, Any]


def call(name: str, **given: Any) -> Step:
    """A step that calls one tool."""
    return {"tools": [(name, given)]}


class Model:
    """Serves on a free port of this machine until ``close``. ``asked``: script → requests."""

    def __init__(self, **scripts: list[Step]) -> None:
        self.scripts = scripts
        self.asked: dict[str, list[dict[str, Any]]] = {name: [] for name in scripts}
        model = self

        class Handler(_Handler):
            owner = model

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/s/{name}"

    def given(self, name: str) -> str:
        """Everything the model of a script was shown, as one text."""
        return json.dumps([request["messages"] for request in self.asked[name]], ensure_ascii=False)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def step(self, name: str, request: dict[str, Any]) -> Step:
        tools = {tool.get("name") for tool in request.get("tools") or []}
        if not tools & {"Write", "Edit", "Bash"}:
            return {"text": "ok"}  # a title, a topic: nothing of ours
        named = re.search(r"\[script:(\w+)\]", json.dumps(request["messages"][:1]))
        name = named[1] if named else name
        self.asked[name].append(request)
        done = sum(message["role"] == "assistant" for message in request["messages"])
        steps = self.scripts[name]
        return steps[done] if done < len(steps) else {"text": "done"}


class _Handler(BaseHTTPRequestHandler):
    owner: Model
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        return

    def do_HEAD(self) -> None:
        self._send(b"", "text/plain")

    def do_GET(self) -> None:
        self._send(b"{}", "application/json")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = json.loads(body or b"{}")
        if "count_tokens" in self.path:
            self._send(b'{"input_tokens": 10}', "application/json")
            return
        name = (re.match(r"/s/(\w+)", self.path) or ["", ""])[1]
        step = self.owner.step(name, request)
        if "barrier" in step:
            step["barrier"].wait(timeout=60)
        time.sleep(step.get("delay", 0))
        message = _message(step)
        if request.get("stream"):
            self._send(_stream(message), "text/event-stream")
        else:
            self._send(json.dumps(message).encode(), "application/json")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _message(step: Step) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = (
        [{"type": "text", "text": step["text"]}] if "text" in step else []
    )
    for name, given in step.get("tools", ()):
        number = f"toolu_{uuid.uuid4().hex[:24]}"
        blocks.append({"type": "tool_use", "id": number, "name": name, "input": given})
    usage = {"input_tokens": 10, "output_tokens": 10}
    return {
        "id": f"msg_{uuid.uuid4().hex[:24]}", "type": "message", "role": "assistant",
        "model": "scripted", "content": blocks, "stop_sequence": None, "usage": usage,
        "stop_reason": "tool_use" if step.get("tools") else "end_turn",
    }  # fmt: skip


def _stream(message: dict[str, Any]) -> bytes:
    """The message as server-sent events."""
    events: list[dict[str, Any]] = []
    start = {**message, "content": [], "stop_reason": None}
    events.append({"type": "message_start", "message": start})
    for index, block in enumerate(message["content"]):
        text = block["type"] == "text"
        empty = {**block, "text": ""} if text else {**block, "input": {}}
        delta = {"type": "text_delta", "text": block["text"]} if text else {
            "type": "input_json_delta", "partial_json": json.dumps(block["input"])}  # fmt: skip
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    end = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events.append({"type": "message_delta", "delta": end, "usage": {"output_tokens": 10}})
    events.append({"type": "message_stop"})
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events).encode()
