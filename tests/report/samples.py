"""A fixed run, decision and escalation that the report tests render."""

from __future__ import annotations

from typing import Any

from orchestrator.plugins.spec import CheckResult, Finding, Outcome, Severity
from orchestrator.policy.escalation import ANSWERS
from orchestrator.policy.verdict import Decision, judge
from orchestrator.report.escalation import Answer, EscalationPage
from orchestrator.report.explain import explain
from orchestrator.verification.outcome import CheckReport, Report

HOSTILE = "</td></pre><script>alert(1)</script> | `x` \x1b[31mred\x1b[0m \u202eevil ]]> *b* &lt;"

LOST = Finding(
    "schema.lost-values",
    Severity.BREAKING,
    'order.payment no longer accepts "invoice"',
    "verification/contracts/order.schema.json",
    14,
    'Accept "invoice" again, or add a new contract and move its users first.',
    {
        "compared_with": "base",
        "lost_values": ["invoice"],
        "lost_set": {"properties": {"payment": {"const": "invoice"}}},
        "counterexample": {"customer": "Ada", "payment": "invoice"},
        "consumers": ["web"],
        "producers": [],
    },
)
TEST = Finding(
    "tests.failed",
    Severity.BREAKING,
    "tests.service.test_api.TestApi::test_total: AssertionError: 12 != 13",
    "tests/service/test_api.py",
    31,
    "Run it again: python -m unittest tests.service.test_api.TestApi.test_total",
    {
        "test": "tests.service.test_api.TestApi::test_total",
        "seconds": 0.01,
        "trace": (
            'Traceback (most recent call last):\n  File "tests/service/test_api.py", line 31, '
            "in test_total\n    self.assertEqual(total, 13)\nAssertionError: 12 != 13"
        ),
    },
)
SLOWER = Finding(
    "benchmark.regression",
    Severity.BREAKING,
    "pricing is slower than on the base",
    remedy="Make it at most 20 % slower, or ask for the slowdown to be accepted.",
    evidence={
        "ratio": 1.618, "low": 1.55, "high": 1.69, "level": 0.95, "pairs": 8, "unit": "s",
        "base_median": 0.0412, "candidate_median": 0.0667,
    },
)  # fmt: skip


def check(name: str, family: str, result: CheckResult, **fields: Any) -> CheckReport:
    layer = name.partition("/")[0] if family == "integrity" else None
    return CheckReport(name, family, f"the check {name}", family, layer, result, **fields)


def passed(**fields: Any) -> CheckResult:
    return CheckResult(Outcome.PASSED, **fields)


def report(*checks: CheckReport, **fields: Any) -> Report:
    values: dict[str, Any] = {
        "run": "R-3",
        "project": "shop",
        "commit": "9c0de1f2a3b4c5d6e7f8091a2b3c4d5e6f708192",
        "tree": "1b2c3d4e5f60718293a4b5c6d7e8f9000a1b2c3d",
        "head": "4f2a9b8c7d6e5f4031221304f5e6d7c8b9a0f1e2",
        "base": "0a1b2c3d4e5f60718293a4b5c6d7e8f90011aa22",
        "config_digest": "c0ffee" * 10 + "c0ff",
        "changed": ("shop/service/pricing.py",),
        "layers": ("service", "web"),
        "plugins": {"integrity": "0.1.0", "contracts": "0.1.0", "benchmarks": "0.1.0"},
        "started_at": 1_795_257_667_000,
        "seconds": 12.34,
    }
    return Report(checks=checks, **{**values, **fields})


GREEN = report(
    check("service/tests", "integrity", passed(metrics={"tests.total": 12}), seconds=1.25),
    check("contracts/order", "contracts", passed(), seconds=0.2),
)

FULL = report(
    check("data/tests", "integrity", passed(), seconds=0.8, flaky=True),
    check(
        "service/tests",
        "integrity",
        CheckResult(Outcome.FAILED, "1 of 12 tests failed", (TEST,), output="F...\nFAILED (1)"),
        seconds=1.25,
    ),
    check(
        "web/audit",
        "integrity",
        CheckResult(Outcome.ERRORED, "npx: command not found", output="sh: 1: npx: not found"),
        seconds=0.1,
    ),
    check(
        "web/style", "integrity", CheckResult(Outcome.FAILED, "3 files unformatted"),
        seconds=0.3, preexisting=True,
    ),
    check(
        "contracts/order",
        "contracts",
        CheckResult(Outcome.FAILED, 'order.payment no longer accepts "invoice"', (LOST,)),
        seconds=0.2,
    ),
    check(
        "dataflow/flow/order",
        "dataflow",
        CheckResult(Outcome.NOT_RUN, "it needs service/tests, which failed"),
    ),
    check(
        "benchmarks/pricing",
        "benchmarks",
        CheckResult(Outcome.FAILED, "pricing is slower than on the base", (SLOWER,)),
        seconds=9.5,
    ),
    check(
        "benchmarks/search",
        "benchmarks",
        CheckResult(
            Outcome.INCONCLUSIVE,
            "60 pairs did not decide",
            data={"compared": {"search": {**SLOWER.evidence, "ratio": 1.04, "low": 0.97,
                                          "high": 1.11, "pairs": 60, "candidate_median": 0.0428}}},
        ),
        seconds=60.0,
    ),
    warnings=("the package \"shop\" would be imported from /elsewhere",),
)  # fmt: skip

HOSTILE_REPORT = report(
    check(
        f"x/{HOSTILE}",
        "integrity",
        CheckResult(
            Outcome.FAILED,
            HOSTILE,
            (
                Finding(HOSTILE, Severity.DANGEROUS, HOSTILE, HOSTILE, 1, HOSTILE,
                        {HOSTILE: HOSTILE, "trace": f"{HOSTILE}\n````\n# {HOSTILE}"}),
            ),
            output=HOSTILE * 2000,
        ),
    ),
    project=HOSTILE,
    warnings=(HOSTILE,),
    conflicts=(HOSTILE,),
)  # fmt: skip


def decision(found: Report, **handoff: Any) -> Decision:
    facts = {
        "report": found.facts(),
        "handoff": {"touches_policy": False, "attempt": 1, "violations": 0, **handoff},
    }
    return judge(
        facts,
        auto=True,
        approve_when="report.failed == 0 && report.flaky == 0 && handoff.violations == 0",
        reject_when="report.layerIntegrity.failed + report.conflicts > 0",
        always_when=[("report.performanceBenchmarks.failed > 0", True), ("handoff.attempt", True)],
        shadow=["report.seconds > 600.0"],
    )


SLOW = report(
    *(c for c in FULL.checks if c.family == "benchmarks" or c.id == "data/tests"), *GREEN.checks
)

PAGE = EscalationPage(
    id="ESC-2",
    kind="decision",
    question="Should H-3 of service land?",
    reason=decision(SLOW).reason,
    status="open",
    about=(
        ("handoff", "H-3"),
        ("producer", "service"),
        ("target", "web"),
        ("task", "price orders by weight"),
        ("attempt", "1"),
        ("ref", "service"),
        ("head", SLOW.head),
    ),
    answers=tuple(
        Answer(name, does, f'orchestrate escalation {name} ESC-2 --reason "…"')
        for name, does in ANSWERS["decision"].items()
    ),
    held="Until somebody answers, nothing happens: the work is held and does not land.",
    why=explain(decision(SLOW)),
    notes={
        "What changed": "Prices are by weight.\nRounding moved to the end.",
        "Known risks": "Slower for long orders.",
    },
    diff=(("shop/service/pricing.py", 41, 12), ("docs/prices.png", None, None)),
    report=SLOW,
)
