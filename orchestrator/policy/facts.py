"""What rules may speak of: every field of every scope, with its meaning and a sample.

The one place these are written. The check of a configuration evaluates rules
on the samples, and ``docs/reference/rules.md`` is compared with the meanings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["FIELDS", "SAMPLE", "SCOPES", "Fields"]

#: Field → its meaning and a sample value, or the fields below it.
Fields = Mapping[str, "tuple[str, Any] | Fields"]

_COUNTS: Fields = {
    "passed": ("checks that passed", 14),
    "failed": ("checks that failed; the work needs remediation", 1),
    "inconclusive": ("checks that ran and whose evidence does not decide", 1),
    "errored": ("checks that could not tell: missing binary, timeout, unreadable report", 1),
    "skipped": ("checks that were skipped, with a reason", 1),
    "not_run": ("checks that did not run: the budget ended, or what they need did not pass", 1),
    "total": ("all checks, also those that fail on the base", 19),
}

_REPORT: Fields = {
    **_COUNTS,
    "failed": (
        "checks that failed, plus one if the work conflicts with the integration branch",
        1,
    ),
    "conflicts": ("paths that do not merge; then no check ran", 1),
    "flaky": ("checks that failed once and passed once on the same tree", 1),
    "preexisting": ("checks that fail on the base too: not this handoff's doing", 1),
    "shadow": ("checks that are set aside: in shadow, or in quarantine", 1),
    "waived": ("findings somebody other than the producer accepted for a while", 1),
    "breaking": ("findings of the worst severity that are not waived", 1),
    "dangerous": ("findings of severity dangerous that are not waived", 1),
    "notice": ("findings of severity notice that are not waived", 1),
    "replayed": ("checks whose verdict was replayed from an earlier run", 1),
    "oldest_evidence": ("seconds since the oldest replayed verdict was found, or 0.0", 420.5),
    "seconds": ("wall time of the run", 12.5),
    "layerIntegrity": _COUNTS,
    "contractCompliance": _COUNTS,
    "dataFlowValidation": _COUNTS,
    "performanceBenchmarks": _COUNTS,
}

_HANDOFF: Fields = {
    "id": ("the handoff's id", "H-7"),
    "producer": ("the instance whose work it is", "backend"),
    "target": ("the instance it is handed to, or an empty text", "frontend"),
    "task": ("the task, or an empty text", "add the search page"),
    "attempt": ("which attempt this is, from 1", 2),
    "head": ("the producer's commit, 40 hex digits", "4f2a" * 10),
    "files": ("paths changed against the base", ["src/api.py", "src/db.py"]),
    "layers": ("affected layers, in dependency order", ["data", "service"]),
    "touches_policy": (
        (
            "whether it changes the configuration, a plugin it names, a script in "
            "verification/checks, a baseline or a blessing of a contract"
        ),
        True,
    ),
    "violations": ("changed files that belong to another instance", 1),
    "unowned": ("changed files that belong to nobody", 1),
    "age": ("seconds since the handoff was first made ready", 420.5),
    "notes": ("whether the producer wrote notes", True),
}

_INSTANCE: Fields = {
    "id": ("the instance's id", "backend"),
    "role": ("its role, free text", "BACKEND_DEVELOPMENT"),
    "state": ("its lifecycle state, such as VERIFICATION", "VERIFICATION"),
    "stale": ("whether its session is known to be dead", True),
    "layers": ("the layers it has authority over", ["data"]),
    "specializations": ("its specializations", ["API development"]),
}

_INTEGRATION: Fields = {
    "branch": ("the branch work lands on", "main"),
    "head": ("its commit, 40 hex digits", "9c0d" * 10),
    "broken": ("whether verification of what has landed failed", True),
    "frozen": ("whether landing is stopped until it is thawed", True),
    "unverified": ("commits that reached the branch without a verified handoff", 1),
}

_CHECK: Fields = {
    "id": ("the check's id", "service/tests"),
    "runs": ("how often it ran lately, at most 100", 40),
    "passed": ("runs in which it passed", 30),
    "failed": ("runs in which it failed, and not on the base", 6),
    "flaky": ("runs in which it failed once and passed once on the same tree", 4),
    "flaky_share": ("flaky runs among all, 0.0 to 1.0", 0.1),
    "errored": ("runs in which it could not tell", 2),
    "preexisting": ("runs in which it failed on the base too", 2),
    "judged": ("failures of which it is known whether they were right", 5),
    "overruled": ("failures that somebody let through all the same", 2),
    "precision": ("share of the judged failures that were right; 1.0 when none is known", 0.6),
    "seconds": ("median wall time of a run", 12.5),
}

_TESTS: Fields = {
    "total": ("tests reported", 40),
    "passed": ("tests that passed", 36),
    "failed": ("tests that failed", 1),
    "errored": ("tests that could not run", 1),
    "skipped": ("tests that were skipped", 2),
    "flaky": ("tests that failed and passed in one report", 1),
    "seconds": ("time the tests took", 3.25),
}

_COVERAGE: Fields = {
    "line": ("share of lines that ran, 0.0 to 1.0", 0.85),
    "branch": ("share of branches that ran, 0.0 to 1.0", 0.75),
}

_FINDINGS: Fields = {
    "total": ("results in the SARIF reports that are not suppressed", 3),
    "error": ("results of level error", 1),
    "warning": ("results of level warning", 1),
    "note": ("results of level note", 1),
}

#: Scope → what it has. ``steps`` of an invariant are known only when a flow ran.
FIELDS: Mapping[str, Fields] = {
    "approval": {
        "report": _REPORT,
        "handoff": _HANDOFF,
        "instance": _INSTANCE,
        "integration": _INTEGRATION,
    },
    "emergency": {"instance": _INSTANCE, "integration": _INTEGRATION},
    "quarantine": {"check": _CHECK},
    "gate": {"tests": _TESTS, "coverage": _COVERAGE, "findings": _FINDINGS},
    "invariant": {"steps": {}},
}

#: Scope → where its rules are written and when they are evaluated.
SCOPES: Mapping[str, str] = {
    "approval": "`approval` and `escalation.always_when`: when a handoff's run has ended",
    "emergency": "`emergency[].when`: at each look at the project, for every instance",
    "quarantine": "`verification.quarantine.when`: for each check of a run that is recorded",
    "gate": "`layers.NAME.gates`: when the layer's checks have ended",
    "invariant": "`flows.NAME.invariants`: when all steps of the flow have run",
}


def _samples(fields: Fields) -> dict[str, Any]:
    return {
        name: field[1] if isinstance(field, tuple) else _samples(field)
        for name, field in fields.items()
    }


#: Scope → complete sample facts, in which something has happened everywhere.
SAMPLE: Mapping[str, dict[str, Any]] = {scope: _samples(fields) for scope, fields in FIELDS.items()}
