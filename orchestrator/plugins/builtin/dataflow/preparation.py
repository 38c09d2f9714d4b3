"""Sets a flow up and takes it down again: always, and where a killed run could not, the next."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from orchestrator.errors import OrchestrateError
from orchestrator.plugins.builtin.dataflow import leftovers
from orchestrator.plugins.builtin.dataflow.stage import Stage
from orchestrator.plugins.builtin.dataflow.timing import TEAR_DOWN
from orchestrator.plugins.spec import CommandResult, Finding, Json, Severity

__all__ = ["Preparation", "SetUpFailed"]


class SetUpFailed(OrchestrateError):
    """A flow could not be set up.

    Happens when a command of its ``set_up`` ends with another status than 0,
    does not end in time or cannot be run; or when the folder that remembers
    what is set up cannot be used. Nothing is known about the work then: the
    check is errored. Run the command by hand.
    """

    code = "E464"


class Preparation:
    """One flow's set-up and tear-down. ``remarks`` are what is said about them."""

    def __init__(self, flow: Mapping[str, Json], stage: Stage) -> None:
        self._flow = flow
        self._stage = stage
        self._note: leftovers.Keeper | None = None
        self.remarks: list[Finding] = []

    @contextmanager
    def remembered(self) -> Iterator[None]:
        """While in here, being killed leaves a note. Raises ``SetUpFailed``.

        What a killed run left is taken down first, and when this is left, so
        is what this one made.
        """
        with ExitStack() as held:
            if self._flow["tear_down"]:
                key = f"{self._stage.context.repository}\0{self._flow['name']}"
                try:
                    self._after_the_killed(key)
                    self._note = held.enter_context(leftovers.noted(key))
                except OSError as error:
                    message = f"what is set up cannot be remembered: {error}"
                    raise SetUpFailed(message) from error
                self.remember()
            try:
                yield
            finally:
                self._take_down()

    def remember(self) -> None:
        """Write down how to take down what is there now: ports are known only once given."""
        if self._note is not None:
            self._note.write(self._commands(), self._stage.environment())

    def set_up(self, deadline: float) -> None:
        """Run every set-up command. Raises ``SetUpFailed``."""
        for command in self._flow["set_up"]:
            left = max(deadline - time.monotonic(), 0.01)
            done = self._stage.run(self._stage.fill(command), timeout=left)
            if not done.ok:
                said = "".join(f"; it said: {line[:300]}" for line in _last_line(done))
                raise SetUpFailed(f"set-up ({command}) {_how(done)}{said}")

    def _commands(self) -> list[str]:
        return [self._stage.fill(command) for command in self._flow["tear_down"]]

    def _take_down(self) -> None:
        """Every command, whatever happened to the others; a notice for each that did not work."""
        written = self._flow["tear_down"]
        for command, done in zip(written, self._run(self._commands(), {}), strict=True):
            if not done.ok:
                finding = Finding(
                    rule="flow.tear-down",
                    severity=Severity.NOTICE,
                    message=f"tear-down ({command}) {_how(done)}",
                    remedy="what this flow made may still be there",
                    evidence={"printed": done.output[-1000:]},
                )
                self.remarks.append(finding)

    def _after_the_killed(self, key: str) -> None:
        for note in leftovers.left(key):
            ended = [_how(done) for done in self._run(note.commands, note.variables)]
            finding = Finding(
                rule="flow.left-over",
                severity=Severity.NOTICE,
                message="a run that was killed had left this flow set up; it was taken down first",
                remedy="nothing, if the commands in the evidence did what they should",
                evidence={"commands": list(note.commands), "ended": ended},
            )
            self.remarks.append(finding)

    def _run(self, commands: Sequence[str], variables: Mapping[str, str]) -> list[CommandResult]:
        until = time.monotonic() + TEAR_DOWN
        return [
            self._stage.run(command, timeout=max(until - time.monotonic(), 0.01), extra=variables)
            for command in commands
        ]


def _last_line(done: CommandResult) -> list[str]:
    return done.output.strip().splitlines()[-1:]


def _how(done: CommandResult) -> str:
    if done.status == "timeout":
        return "did not end in time"
    if done.status == "missing":
        return "cannot be run: is the command there?"
    how = "was ended by signal" if done.status == "signalled" else "ended with status"
    return f"{how} {done.code}"
