"""Runs one step of a flow: JSON on its standard input, JSON from its standard output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.plugins.spec import CheckContext, CommandResult, Json

__all__ = ["Broken", "NoDocument", "Ran", "last_document", "run"]

#: What a shell says when there is no such command, or none that may be run.
_NOT_RUN = (126, 127)
_STARTS = frozenset('{["-0123456789tfn')
_TAIL = 4000


class NoDocument(ValueError):
    """What was printed does not end with a JSON document."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A step that ran: its output as JSON."""

    output: Json
    seconds: float


@dataclass(frozen=True, slots=True)
class Broken:
    """A step that did not: ``failed`` is its own doing, otherwise we could not tell."""

    rule: str
    reason: str
    failed: bool
    printed: str


def run(
    step: Mapping[str, Json], payload: Json, context: CheckContext, limit: float
) -> Ran | Broken:
    """Run a step's command in the candidate's checkout, for at most ``limit`` seconds."""
    timeout = min(float(step["timeout"]), limit)
    stdin = json.dumps(payload, ensure_ascii=False).encode()
    done = context.run(step["run"], timeout=timeout, stdin=stdin)
    trouble = _trouble(done, timeout)
    if trouble is not None:
        return trouble
    try:
        return Ran(last_document(done.stdout), done.seconds)
    except NoDocument as error:
        return Broken("flow.not-json", str(error), True, done.output[-_TAIL:])


def _trouble(done: CommandResult, timeout: float) -> Broken | None:
    printed = done.output[-_TAIL:]
    if done.status == "timeout":
        return Broken("flow.timeout", f"did not end within {timeout:g} s", False, printed)
    if done.status == "missing" or (done.status == "exited" and done.code in _NOT_RUN):
        return Broken("flow.missing", "cannot be run: is the command there?", False, printed)
    if done.status != "exited":
        return Broken("flow.signalled", f"was ended by signal {done.code}", False, printed)
    if done.code != 0:
        return Broken("flow.step-failed", f"ended with status {done.code}", True, printed)
    if done.truncated:
        return Broken("flow.too-much", "printed more than is kept", False, printed)
    return None


def last_document(text: str) -> Json:
    """The JSON document at the end of what was printed, from the beginning of a line.

    Raises ``NoDocument``. Lines before it are remarks.
    """
    decoder = json.JSONDecoder(parse_constant=_refuse)
    end = len(text.rstrip())
    start = 0
    while start < end:
        if text[start] in _STARTS:
            try:
                value, stop = decoder.raw_decode(text, start)
            except (ValueError, RecursionError):
                stop = -1
            if stop == end:
                return value
            if stop > start:
                start = stop
        newline = text.find("\n", start)
        if newline < 0:
            break
        start = newline + 1
    raise NoDocument("printed no JSON document at the end" if end else "printed nothing")


def _refuse(name: str) -> Json:
    raise ValueError(f"{name} is no JSON value")
