"""What benchmarks measured is kept for every run, with the machine, and told as a history."""

from __future__ import annotations

import json

import pytest

from orchestrator.cli.main import run
from orchestrator.engine.measurements import history
from orchestrator.report import render
from orchestrator.verification.outcome import Report
from tests.engine.conftest import Shop
from tests.engine.test_watch import configure

MEASURED = """\
benchmarks:
  search:
    run: 'echo "{\\"seconds\\": $(cat src/speed.txt || echo 1)}"'
    max_regression: 20%
    max_pairs: 12
"""


@pytest.fixture
def measured(shop: Shop) -> Shop:
    """Two slowdowns within the allowance that landed, and one beyond it that did not."""
    configure(shop, MEASURED)
    for seconds in ("1.1", "1.21", "2.0"):
        shop.hand_off({"src/speed.txt": seconds})
        shop.watch()
    return shop


def test_the_history_adds_up_what_landed_and_the_command_tells_it(
    measured: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    points = measured.project.store.read(lambda r: history(r, "search"))
    assert [(p.verdict, p.landed) for p in points] == [
        ("fine", True), ("fine", True), ("regressed", False),
    ]  # fmt: skip
    assert [p.together for p in points] == pytest.approx([1.1, 1.21, 1.21])
    assert [(p.base, p.candidate) for p in points] == [(1.0, 1.1), (1.1, 1.21), (1.21, 2.0)]
    assert len({p.machine for p in points}) == 1

    monkeypatch.chdir(measured.main)
    assert run(["benchmark", "history", "search", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["measurements"]
    assert [one["handoff"] for one in told] == [p.handoff for p in points]
    assert set(told[0]["fingerprint"]) == {"cpu", "cores", "platform", "python"}

    assert run(["benchmark", "history", "--last", "1"]) == 0
    out = capsys.readouterr().out
    assert "R-3" in out and "R-2" not in out and points[0].machine in out
    assert "regressed" in out and "machines and days never are" in out

    assert run(["benchmark", "history", "--html", "page.html"]) == 0
    page = (measured.main / "page.html").read_text()
    assert page.count('class="step fine landed"') == 2 and 'class="step bad open-ended"' in page
    assert run(["benchmark", "history", "--html", "no/page.html"]) == 2
    assert "E467 no/page.html cannot be written" in capsys.readouterr().err

    assert run(["benchmark", "history", "serach"]) == 2
    assert 'E466 there is no benchmark "serach"\nhint: did you mean "search"?' in (
        capsys.readouterr().err
    )


def test_a_run_s_report_has_the_past_on_the_same_machine_and_draws_it(measured: Shop) -> None:
    kept = Report.from_json(json.loads(measured.row("runs", "R-3")["report"]))
    [check] = [check for check in kept.checks if check.family == "benchmarks"]
    past = check.result.data["history"][""]
    assert [(one["run"], one["landed"]) for one in past] == [("R-1", True), ("R-2", True)]
    page = render(kept, "html")
    assert page.count("<svg") == 3 and page.count('class="run candidate"') == 9
    assert "this run, " in page and "search, 3 runs on this machine" in page
    assert "search, every run: base median 1.21 s" in render(kept, "markdown")


#: Of six pairs alone, half of a run's share tells nothing.
SEVERAL = """\
benchmarks:
  search: &slower
    run: 'echo "{\\"seconds\\": $(cat src/speed.txt || echo 1)}"'
    max_regression: 20%
    max_pairs: 12
  index: {<<: *slower, max_pairs: 6}
"""


def test_the_benchmarks_of_a_run_are_judged_together_when_all_have_ended(shop: Shop) -> None:
    configure(shop, SEVERAL)
    shop.hand_off({"src/speed.txt": "2.0"})
    shop.watch()
    report = Report.from_json(json.loads(shop.row("runs", "R-1")["report"]))
    ended = {check.id: check.result.reason for check in report.checks if check.outcome == "failed"}
    assert set(ended) == {"benchmarks/search", "benchmarks/index"}
    assert "Holm's method" not in ended["benchmarks/search"]
    assert ended["benchmarks/index"].endswith(
        "told by Holm's method over the benchmarks of the run"
    )
    points = shop.project.store.read(lambda r: history(r, "index"))
    assert [(p.verdict, p.pairs) for p in points] == [("regressed", 6)]


def test_before_anything_was_measured_the_history_says_so(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.main)
    assert run(["benchmark", "history"]) == 0
    assert "nothing was measured here yet" in capsys.readouterr().out
