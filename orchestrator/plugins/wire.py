"""What crosses the border between this process and a worker: JSON, and its proofs.

What a plugin returned is proved to have the right shape *in the worker*,
before it is sent; a plugin that returns nonsense gets told what was wrong.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from orchestrator.plugins.spec import FAMILIES, Check, CheckResult, Finding, Json, Outcome, Severity

__all__ = [
    "Described",
    "Nonsense",
    "PluginDescription",
    "Problem",
    "check_from_json",
    "proved_checks",
    "proved_result",
]

#: The end of a command's output that a result keeps, in characters.
MAX_OUTPUT = 64 * 1024
#: The largest ``CheckResult.data`` and ``Check.spec``, in bytes of JSON.
MAX_DATA = 256 * 1024
#: Findings one check may have, and checks one plugin may plan.
MAX_FINDINGS, MAX_CHECKS = 1000, 5000
_MAX_ID, _MAX_TEXT = 200, 16 * 1024


class Nonsense(ValueError):
    """A plugin returned something that is not what the contract says."""


@dataclass(frozen=True, slots=True)
class PluginDescription:
    """A plugin that can be used. ``source`` are the fields of a ``manager.Source``."""

    name: str
    version: str
    family: str
    source: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Problem:
    """A plugin that cannot be used, and why."""

    plugin: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """Every plugin there is, usable or not."""

    plugins: tuple[PluginDescription, ...]
    problems: tuple[Problem, ...] = ()

    def versions(self) -> dict[str, str]:
        """Plugin name → version, as evidence records them."""
        return {plugin.name: plugin.version for plugin in self.plugins}


def check_from_json(value: Mapping[str, Json]) -> Check:
    """The inverse of ``dataclasses.asdict`` on a check."""
    return Check(**{**value, **{key: tuple(value[key]) for key in ("needs", "after", "inputs")}})


def proved_checks(value: object, plugin: str) -> list[dict[str, Json]]:
    """What ``orchestrate_plan`` returned, as JSON; ``Nonsense`` if it is no list of checks."""
    if not isinstance(value, (list, tuple)):
        raise Nonsense(f"orchestrate_plan returned {type(value).__name__}, not a list of Check")
    if len(value) > MAX_CHECKS:
        raise Nonsense(f"orchestrate_plan returned {len(value)} checks; at most {MAX_CHECKS}")
    proved = [asdict(replace(_proved_check(check), plugin=plugin)) for check in value]
    ids = [check["id"] for check in proved]
    twins = sorted({identity for identity in ids if ids.count(identity) > 1}) if ids else []
    if twins:
        raise Nonsense(f"orchestrate_plan returned two checks with the id {twins[0]!r}")
    return proved


def proved_result(value: object) -> dict[str, Json]:
    """What ``orchestrate_execute`` returned, as JSON within limits; ``Nonsense`` otherwise."""
    if not isinstance(value, CheckResult):
        raise Nonsense(f"orchestrate_execute returned {type(value).__name__}, not a CheckResult")
    _need(isinstance(value.outcome, Outcome), "CheckResult.outcome is not an Outcome")
    passed = value.outcome is Outcome.PASSED
    _need(passed or bool(value.reason), f"a result that {value.outcome} gives no reason")
    findings = tuple(_proved_finding(finding) for finding in value.findings)
    lies = passed and any(finding.severity is Severity.BREAKING for finding in findings)
    _need(not lies, "a result that passed has a breaking finding")
    surplus = len(findings) - MAX_FINDINGS
    reason = _text(value.reason, "CheckResult.reason")
    if surplus > 0:
        reason = f"{reason} ({surplus} more findings not shown)".strip()
    proved = replace(
        value,
        reason=reason,
        findings=findings[:MAX_FINDINGS],
        metrics=_proved_metrics(value.metrics),
        output=str(value.output)[-MAX_OUTPUT:],
        data=_proved_json(value.data, "CheckResult.data"),
    )
    return proved.to_json()


def _proved_check(check: object) -> Check:
    if not isinstance(check, Check):
        raise Nonsense(f"orchestrate_plan returned a list with {type(check).__name__} in it")
    named = isinstance(check.id, str) and check.id.isprintable() and 0 < len(check.id) <= _MAX_ID
    _need(named, f"the id {check.id!r} is not a printable string of at most {_MAX_ID}")
    here = f"of check {check.id!r}"
    _need(check.family in FAMILIES, f"the family {check.family!r} {here} does not exist")
    _need(isinstance(check.title, str), f"the title {here} is not a string")
    _need(check.layer is None or isinstance(check.layer, str), f"the layer {here} is not a string")
    for name in ("timeout", "cost"):
        number = getattr(check, name)
        _need(_number(number) and number > 0, f"{name} {here} is {number!r}, not positive seconds")
    for name in ("exclusive", "needs_base", "deterministic", "cache"):
        _need(isinstance(getattr(check, name), bool), f"{name} {here} is not True or False")
    return replace(
        check,
        needs=_names(check.needs, f"needs {here}"),
        after=_names(check.after, f"after {here}"),
        inputs=_names(check.inputs, f"inputs {here}"),
        spec=_proved_json(check.spec, f"spec {here}"),
    )


def _proved_finding(finding: object) -> Finding:
    if not isinstance(finding, Finding):
        raise Nonsense(f"a finding is {type(finding).__name__}, not a Finding")
    _need(finding.line is None or isinstance(finding.line, int), "Finding.line is not a number")
    _need(isinstance(finding.severity, Severity), "Finding.severity is not a Severity")
    return replace(
        finding,
        rule=_text(finding.rule, "Finding.rule"),
        message=_text(finding.message, "Finding.message"),
        file=None if finding.file is None else _text(finding.file, "Finding.file"),
        remedy=None if finding.remedy is None else _text(finding.remedy, "Finding.remedy"),
        evidence=_proved_json(finding.evidence, "Finding.evidence"),
    )


def _proved_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    _need(isinstance(metrics, Mapping), "CheckResult.metrics is not a mapping")
    for name, value in metrics.items():
        _need(isinstance(name, str) and _number(value), f"the metric {name!r} is no finite number")
    return dict(metrics)


def _proved_json(value: object, what: str) -> dict[str, Json]:
    _need(isinstance(value, Mapping), f"{what} is not a mapping")
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise Nonsense(f"{what} is not JSON: {error}") from error
    _need(len(text) <= MAX_DATA, f"{what} is larger than {MAX_DATA} bytes")
    again: dict[str, Json] = json.loads(text)
    return again


def _text(value: object, what: str) -> str:
    _need(isinstance(value, str), f"{what} is not a string")
    text = str(value).encode("utf-8", "replace").decode()
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]} [...]"


def _names(value: Iterable[object], what: str) -> tuple[str, ...]:
    right = isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)
    _need(right, f"{what} is not a list of ids")
    return tuple(str(name) for name in value)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _need(holds: bool, message: str) -> None:
    if not holds:
        raise Nonsense(message)
