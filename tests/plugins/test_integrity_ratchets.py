"""A metric may not get worse than on the base, which is measured and not remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.config.model import Check, Layer, Ratchet
from orchestrator.plugins.builtin import integrity
from orchestrator.plugins.spec import CheckResult, Outcome
from orchestrator.testing import plugins as harness

COVERAGE = Check("cover", run="cat cover.xml > {report}", report={"format": "coverage"})
LINT = Check("lint", run="cat lint.sarif > {report}", report={"format": "sarif"})


def coverage(covered: int) -> str:
    return f'<coverage line-rate="0.5" lines-covered="{covered}" lines-valid="1000"/>'


def sarif(notes: int) -> str:
    results = ",".join(['{"level":"note","message":{"text":"x"},"ruleId":"r"}'] * notes)
    driver = '{"driver":{"name":"lint"}}'
    return f'{{"version":"2.1.0","runs":[{{"tool":{driver},"results":[{results}]}}]}}'


def run(
    tmp_path: Path,
    here: dict[str, str],
    base: dict[str, str] | None,
    *ratchets: Ratchet,
    checks: tuple[Check, ...] = (COVERAGE, LINT),
) -> CheckResult:
    """Execute the layer's commands on the candidate, then its ratchets against the base."""
    settings = harness.config(
        layers={"app": Layer("app", ("**",), checks=checks, ratchets=ratchets)}
    )
    folder = harness.write(tmp_path / "here", here)
    *commands, judge = harness.plan(integrity, settings)
    assert judge.needs_base and judge.after == tuple(c.id for c in commands)
    scratch = tmp_path / "scratch"
    plain = harness.context(folder, scratch, settings=settings)
    upstream = {c.id: harness.execute(integrity, c, plain) for c in commands}
    there = None if base is None else harness.write(tmp_path / "base", base)
    where = harness.context(
        folder, scratch, settings=settings, upstream=upstream, base_checkout=there
    )
    return harness.execute(integrity, judge, where)


def files(covered: int = 800, notes: int = 3) -> dict[str, str]:
    return {"cover.xml": coverage(covered), "lint.sarif": sarif(notes)}


BOTH = (Ratchet("coverage.line"), Ratchet("findings.total"))


@pytest.mark.parametrize("here", [files(), files(801, 2), files(1000, 0)])
def test_the_same_or_better_passes(tmp_path: Path, here: dict[str, str]) -> None:
    result = run(tmp_path, here, files(), *BOTH)
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")


def test_worse_is_named_with_both_values(tmp_path: Path) -> None:
    result = run(tmp_path, files(799, 4), files(), *BOTH)
    assert (result.outcome, result.reason) == (Outcome.FAILED, "2 of 2 ratchets slipped")
    fell, grew = result.findings
    assert fell.message == "coverage.line fell against the base"
    assert fell.evidence == {"base": 0.8, "candidate": 0.799, "slack": 0.0}
    assert grew.remedy == "It was 3 and is 4: bring it back."


def test_a_slack_is_room_and_no_more(tmp_path: Path) -> None:
    slack = Ratchet("coverage.line", 0.005)
    assert run(tmp_path / "a", files(795), files(), slack).outcome is Outcome.PASSED
    assert run(tmp_path / "b", files(794), files(), slack).outcome is Outcome.FAILED


def test_what_the_base_does_not_report_decides_nothing(tmp_path: Path) -> None:
    result = run(tmp_path, files(), {"cover.xml": coverage(800)}, *BOTH)
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "app/lint on the base" in result.reason


def test_what_nobody_reports_is_errored(tmp_path: Path) -> None:
    result = run(tmp_path, files(), files(), Ratchet("tests.failed"))
    assert result.outcome is Outcome.ERRORED and "reported tests.failed" in result.reason


def test_a_report_that_is_missing_here_is_errored_never_better(tmp_path: Path) -> None:
    result = run(tmp_path, {"cover.xml": coverage(800)}, files(), *BOTH)
    assert result.outcome is Outcome.ERRORED and "no report of app/lint" in result.reason


def test_without_a_base_it_is_skipped_and_says_so(tmp_path: Path) -> None:
    result = run(tmp_path, files(), None, *BOTH)
    assert (result.outcome, result.reason) == (
        Outcome.SKIPPED,
        "there is no base to compare with",
    )
