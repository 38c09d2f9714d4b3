"""Runs one command of a layer and judges it by its exit status and its report together.

The two have to agree before anything is called passed; where they cannot be
brought together the check is errored, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from orchestrator.plugins.builtin.integrity import places
from orchestrator.plugins.builtin.integrity.reading import (
    FINDING_LIMIT,
    Reading,
    metrics,
    total,
    worst_first,
)
from orchestrator.plugins.spec import (
    Check,
    CheckContext,
    CheckResult,
    CommandResult,
    Finding,
    Outcome,
    Severity,
)

if TYPE_CHECKING:
    from orchestrator.plugins.builtin.integrity.reports import Promise

__all__ = ["execute", "trouble"]

#: Characters kept of what a command printed.
_OUTPUT = 16_000


def execute(check: Check, context: CheckContext) -> CheckResult:
    """Run the check's command in the checkout and judge how it ended."""
    promise = _promise(check, context)
    if promise is None:
        ended = context.run(check.spec["run"])
        return _by_status(ended, check.spec["run"], context.timeout)
    ended = context.run(promise.run)
    return _by_report(ended, promise, context.timeout)


def _promise(check: Check, context: CheckContext) -> Promise | None:
    """The report the command promises. Most promise none: then the readers stay away."""
    if check.spec.get("report") is None and "{report}" not in check.spec["run"]:
        return None
    from orchestrator.plugins.builtin.integrity.reports import Promise

    return Promise.of(check.spec, context.checkout, context.scratch)


def trouble(ended: CommandResult, timeout: float) -> str | None:
    """Why nothing can be said of a command, or None if it ran to its own end."""
    if ended.status == "timeout":
        return f"it did not end within {timeout:.3g} s"
    if ended.status == "signalled":
        return f"it was ended by signal {ended.code}"
    if ended.status == "missing" or ended.code in (126, 127):
        return "it could not be started: " + (_last_line(ended) or f"exit status {ended.code}")
    return None


def _by_status(ended: CommandResult, command: str, timeout: float) -> CheckResult:
    reason = trouble(ended, timeout)
    if reason is not None:
        return _result(Outcome.ERRORED, reason, ended)
    if ended.code == 0:
        return _result(Outcome.PASSED, "", ended)
    return _result(
        Outcome.FAILED, f"exit status {ended.code}", ended, findings=[_exit(ended, command)]
    )


def _by_report(ended: CommandResult, promise: Promise, timeout: float) -> CheckResult:
    from orchestrator.plugins.builtin.integrity.documents import UnreadableReport

    reason = trouble(ended, timeout)
    if reason is not None:
        return _result(Outcome.ERRORED, reason, ended)
    try:
        readings = promise.read(ended)
    except UnreadableReport as error:
        return _result(Outcome.ERRORED, f"the report: {error}{_status(ended)}", ended)
    outcome, reason = _agree(ended, readings)
    findings = [finding for reading in readings for finding in reading.findings]
    if outcome is Outcome.FAILED and not findings:
        findings = [_exit(ended, promise.command)]
    return _result(outcome, reason, ended, readings, findings)


def _agree(ended: CommandResult, readings: list[Reading]) -> tuple[Outcome, str]:
    """The outcome on which report and exit status agree, with the reason."""
    empty = next((reading.empty for reading in readings if reading.empty), None)
    if any(reading.wrong for reading in readings):
        return Outcome.FAILED, _wrong(readings)
    if empty:
        return Outcome.ERRORED, empty + _status(ended)
    if ended.code == 0:
        return Outcome.PASSED, ""
    if all(reading.format == "coverage" for reading in readings):
        # Coverage has no notion of failing, so the exit status is the only verdict there is.
        return Outcome.FAILED, f"exit status {ended.code}"
    doubtful = sum(reading.doubtful for reading in readings)
    if doubtful:
        return Outcome.FAILED, f"{doubtful} finding{'s' * (doubtful > 1)}{_status(ended)}"
    return Outcome.ERRORED, f"exit status {ended.code}, although its report shows no failure"


def _wrong(readings: list[Reading]) -> str:
    """What the reports call wrong, in words: ``2 tests failed, 1 error found``."""
    errors = sum(reading.wrong for reading in readings if reading.format == "sarif")
    failed = sum(reading.wrong for reading in readings) - errors
    parts = [(failed, "test", "failed"), (errors, "error", "found")]
    return ", ".join(f"{n} {noun}{'s' * (n > 1)} {verb}" for n, noun, verb in parts if n)


def _result(
    outcome: Outcome,
    reason: str,
    ended: CommandResult,
    readings: Iterable[Reading] = (),
    findings: Iterable[Finding] = (),
) -> CheckResult:
    counts = total(reading.counts for reading in readings)
    ordered = worst_first(findings)
    surplus = len(ordered) - FINDING_LIMIT
    if surplus > 0:
        reason = f"{reason}; {surplus} findings more than shown".lstrip("; ")
    return CheckResult(
        outcome=outcome,
        reason=reason,
        findings=ordered[:FINDING_LIMIT],
        metrics=metrics(counts),
        output=ended.output[-_OUTPUT:],
        data={
            "exit": {"status": ended.status, "code": ended.code},
            **({"counts": counts} if counts else {}),
            **({"findings_not_shown": surplus} if surplus > 0 else {}),
        },
    )


def _exit(ended: CommandResult, command: str) -> Finding:
    return Finding(
        rule="command.failed",
        severity=Severity.BREAKING,
        message=f"`{command}` ended with exit status {ended.code}",
        remedy=f"Make it end with 0. To run it again: {places.by_hand(command)}",
        evidence={"output": ended.output[-3000:]},
    )


def _status(ended: CommandResult) -> str:
    """The exit status as the end of a sentence, with what was said last."""
    if ended.code == 0:
        return ""
    last = _last_line(ended)
    return f" (exit status {ended.code}{': ' + last if last else ''})"


def _last_line(ended: CommandResult) -> str:
    lines = [line.strip() for line in ended.output.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
