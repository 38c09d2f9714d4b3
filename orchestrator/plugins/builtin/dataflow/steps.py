"""Runs one step of a flow as a command: JSON goes in and comes out, by its pipes or by files."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.plugins.builtin.dataflow.payloads import (
    LIMIT,
    NoDocument,
    document,
    last_document,
)
from orchestrator.plugins.builtin.dataflow.stage import Stage
from orchestrator.plugins.spec import CommandResult, Json

__all__ = ["TAIL", "Broken", "Ran", "run"]

#: What a shell says when there is no such command, or none that may be run.
_NOT_RUN = (126, 127)
#: The end of what was printed that is kept with a finding.
TAIL = 4000


@dataclass(frozen=True, slots=True)
class Ran:
    """A step that ran: its output as JSON; ``status`` and ``media`` of an HTTP answer."""

    output: Json
    seconds: float
    status: int | None = None
    media: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A step that did not: ``failed`` is its own doing, otherwise we could not tell.

    ``producer``: whoever made the payload is to blame, not the step.
    """

    rule: str
    reason: str
    failed: bool
    printed: str
    producer: bool = False


def run(step: Mapping[str, Json], payload: Json, stage: Stage, limit: float) -> Ran | Broken:
    """Run a step's command in the candidate's checkout, for at most ``limit`` seconds."""
    timeout = min(float(step["timeout"]), limit)
    given, made = (stage.folder / f"{step['name']}.{side}.json" for side in ("input", "output"))
    content = json.dumps(payload).encode()
    by_file = "{input}" in step["run"]
    if by_file:
        given.write_bytes(content)
    done = stage.run(
        _filled(step["run"], stage, given, made),
        timeout=timeout,
        stdin=b"" if by_file else content,
    )
    trouble = _trouble(done, timeout, by_pipe="{output}" not in step["run"])
    if trouble is not None:
        return trouble
    try:
        output = _from_file(made) if "{output}" in step["run"] else last_document(done.stdout)
    except NoDocument as error:
        return Broken("flow.not-json", str(error), True, done.output[-TAIL:])
    except _TooLarge:
        reason = f"wrote more than {LIMIT >> 20} MiB to {{output}}"
        return Broken("flow.too-much", reason, False, done.output[-TAIL:])
    return Ran(output, done.seconds)


def _filled(command: str, stage: Stage, given: Path, made: Path) -> str:
    named = command.replace("{input}", shlex.quote(str(given)))
    return stage.fill(named.replace("{output}", shlex.quote(str(made))))


class _TooLarge(Exception):
    """A payload in a file is larger than ``LIMIT``."""


def _from_file(path: Path) -> Json:
    try:
        with path.open("rb") as file:
            content = file.read(LIMIT + 1)
    except OSError as error:
        raise NoDocument(f"wrote no file {{output}}: {error.strerror}") from error
    if len(content) > LIMIT:
        raise _TooLarge
    try:
        return document(content)
    except NoDocument as error:
        raise NoDocument(f"wrote a file {{output}} that {error}") from error


def _trouble(done: CommandResult, timeout: float, *, by_pipe: bool) -> Broken | None:
    printed = done.output[-TAIL:]
    if done.status == "timeout":
        return Broken("flow.timeout", f"did not end within {timeout:.3g} s", False, printed)
    if done.status == "missing" or (done.status == "exited" and done.code in _NOT_RUN):
        return Broken("flow.missing", "cannot be run: is the command there?", False, printed)
    if done.status != "exited":
        return Broken("flow.signalled", f"was ended by signal {done.code}", False, printed)
    if done.code != 0:
        return Broken("flow.step-failed", f"ended with status {done.code}", True, printed)
    if done.truncated and by_pipe:
        reason = "printed more than is kept; let it write to the file {output}"
        return Broken("flow.too-much", reason, False, printed)
    return None
