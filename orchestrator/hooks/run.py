"""From the event on stdin to the exit status: read, look, answer, log, leave.

Nothing here may be slow, and nothing may raise: an edit nobody could decide about is
refused (``hooks.on_failure``), everything else goes on quietly.
"""

import _signal
import posix
import sys
import time

from orchestrator.hooks import log
from orchestrator.hooks.place import Place, find
from orchestrator.hooks.request import EDITS, Answer, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

__all__ = ["DEADLINE", "Late", "main"]

#: Seconds a hook takes at most; the client would wait ten and then let the edit happen.
DEADLINE = 4.0
#: Client → the module that speaks its language.
CLIENTS = {
    "claude-code": "claude_code", "codex": "codex", "gemini": "gemini", "cursor": "cursor",
    "copilot": "copilot",
}  # fmt: skip
#: How other clients call the question before a tool, and the tool that is a shell.
_ASKS = (b'"PreToolUse"', b'"preToolUse"', b'"BeforeTool"')
_SHELLS = (b'"Bash"', b'"Shell"', b'"run_shell_command"')
#: Event → the module with its common answers.
_FAST = {
    "PreToolUse": "fast", "PostToolUse": "beat", "PostToolUseFailure": "beat",
    "PostToolBatch": "calm", "UserPromptSubmit": "calm", "Stop": "calm",
}  # fmt: skip
#: Everything else is no business of ours, and costs no look at the store.
_EVENTS = (
    *_FAST, "SessionStart", "SessionEnd", "SubagentStart", "SubagentStop",
    "WorktreeCreate", "WorktreeRemove",
)  # fmt: skip


class Late(BaseException):
    """The deadline. Not an ``Exception``: nobody may swallow it."""


def main(arguments: "list[str]") -> "NoReturn":
    """Answer one event and leave with its exit status. Never returns."""
    began = time.monotonic_ns()
    raw = b""
    try:
        _signal.signal(_signal.SIGALRM, _late)
        _signal.setitimer(_signal.ITIMER_REAL, DEADLINE)
        raw = _input()
        _leave(*_answered(arguments[1], raw, began))
    except BaseException as error:
        _leave(*_last_resort(arguments[1:], raw, error))


def _late(number: int, frame: object) -> None:
    raise Late(f"no answer after {DEADLINE:g} s")


def _input() -> bytes:
    """All of stdin, also what is not needed: a client must not meet a closed pipe."""
    parts = []
    while part := posix.read(0, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _answered(client: str, raw: bytes, began: int) -> "tuple[str, str, int]":
    adapter = _module(CLIENTS[client])
    request: Request = adapter.read(raw)
    request.at = time.time_ns() // 1_000_000 - (time.monotonic_ns() - began) // 1_000_000
    place = _place(request) if request.event in _EVENTS else None
    if place is None:
        return "", "", 0
    try:
        if client == "claude-code":
            answer = _decided(request, place)
        else:
            answer = _module("several").answer(adapter.each(request), place, _decided)
    except BaseException as error:
        _signal.setitimer(_signal.ITIMER_REAL, DEADLINE / 2)
        answer = _module("failing").answer(request, place, error)
    written: tuple[str, str, int] = adapter.written(request, answer)
    _signal.setitimer(_signal.ITIMER_REAL, 0)
    spent = (time.monotonic_ns() - began) // 100_000 / 10
    about = (request.event, request.tool, request.path or request.command, _told(answer), spent,
             request.member)  # fmt: skip
    log.write(place.state, log.line(about, time.time_ns() // 1_000_000))
    return written


def _told(answer: Answer) -> str:
    """For the log: the answer, and the beginning of what was said."""
    return f"{answer.kind}: {answer.text[:160]}" if answer.text else answer.kind


def _place(request: Request) -> "Place | None":
    """Where the event is, if this repository uses orchestrate at all."""
    here = request.cwd if request.cwd and request.cwd.startswith("/") else posix.getcwd()
    place = find(here)
    if place is None:
        return None
    try:
        posix.stat(place.state)
    except OSError:
        return place if _configured(place) else None
    return place


def _configured(place: Place) -> bool:
    for root in (place.root, place.main):
        for name in ("config/orchestrate.yaml", ".orchestrate/config/orchestrate.yaml"):
            try:
                posix.stat(f"{root}/{name}")
                return True
            except OSError:
                continue
    return False


def _decided(request: Request, place: Place) -> Answer:
    module = _FAST.get(request.event)
    if module == "fast" and request.tool not in EDITS:
        module = "calm"
    if module is not None and request.session:
        try:
            answer: Answer | None = _module(module).answer(request, place)
        except FileNotFoundError:
            answer = None  # no store: what that means is for the slow path to say
        if answer is not None:
            return answer
    slow: Answer = _module("slow").answer(request, place)
    return slow


def _module(name: str) -> "Any":
    """A module of this package, imported when it is needed."""
    full = f"orchestrator.hooks.{name}"
    __import__(full)
    return sys.modules[full]


def _last_resort(client: "list[str]", raw: bytes, error: BaseException) -> "tuple[str, str, int]":
    """Not even the failure could be told properly."""
    if client == ["claude-code"]:
        edit = _ASKS[0] in raw and any(f'"{tool}"'.encode() in raw for tool in EDITS)
    else:
        edit = any(ask in raw for ask in _ASKS) and not any(shell in raw for shell in _SHELLS)
    if not edit:
        return "", "", 0
    text = f"orchestrate could not tell whether this edit may be made ({error!r:.200}); refused.\n"
    return "", text, 2


def _leave(out: str, err: str, status: int) -> "NoReturn":
    """At once: without finalisation, and without SQLite's checkpoint at closing."""
    for number, text in ((1, out), (2, err)):
        left = text.encode("utf-8", "backslashreplace")
        while left:
            try:
                left = left[posix.write(number, left) :]
            except OSError:
                break
    posix._exit(status)
