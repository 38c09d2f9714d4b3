"""The learning loop, end to end: what checks said is kept, and what became of it."""

from __future__ import annotations

import json
from functools import partial

import pytest

from orchestrator.cli.main import run
from orchestrator.coordination.callers import Caller
from orchestrator.engine.quarantine import BadQuarantine, give, restore, standing
from orchestrator.engine.questions import answer
from orchestrator.engine.track_record import records
from orchestrator.engine.waiving import give as waive
from orchestrator.policy.track_record import TrackRecord
from orchestrator.store.port import Row, Transaction
from orchestrator.verification.outcome import Report
from tests.engine.conftest import Shop
from tests.engine.test_watch import configure

HUMAN = Caller("human:ada", human=True)
#: Every failure is a question, so that a human can let it through.
ASKING = 'approval: {reject_when: "report.conflicts > 0"}\n'


def record(shop: Shop, check: str = "code/sound") -> TrackRecord:
    return next(r for r in shop.project.store.read(records) if r.check == check)


def last_check(shop: Shop, run_id: str, check: str = "code/sound") -> str:
    report = Report.from_json(json.loads(shop.row("runs", run_id)["report"]))
    return next(c for c in report.checks if c.id == check).shadow


def test_a_failure_that_was_mended_is_confirmed(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "broken\n"})
    shop.watch()
    assert (record(shop).failed, record(shop).judged) == (1, 0)
    shop.work({"src/app.txt": "fixed\n"})
    shop.ready()
    shop.watch()
    assert (record(shop).runs, record(shop).precision) == (2, 1.0)


def test_a_failure_a_human_lets_through_is_overruled(shop: Shop) -> None:
    configure(shop, ASKING)
    shop.hand_off({"src/app.txt": "broken\n"})
    shop.watch()
    answer(shop.project, HUMAN, "ESC-1", "approve", "it is meant")
    assert (record(shop).overruled, record(shop).precision) == (1, 0.0)


def test_a_waived_finding_overrules_the_check_that_found_it(shop: Shop) -> None:
    configure(shop, ASKING)
    shop.hand_off({"src/app.txt": "broken\n"})
    shop.watch()
    report = Report.from_json(json.loads(shop.row("runs", "R-1")["report"]))
    [(check, finding)] = report.findings()
    waive(
        shop.project, HUMAN, "H-1", finding.fingerprint(check.id),
        reason="known", seconds=60, uses=None,
    )  # fmt: skip
    assert record(shop, check.id).overruled == 1


def test_the_same_commit_run_again_confirms_nothing(shop: Shop) -> None:
    marker = shop.main.parent / "once"
    configure(shop, ASKING)
    text = (shop.main / "config/orchestrate.yaml").read_text()
    flips = f"! grep -q better src/app.txt || test -e {marker}"
    configure_whole(shop, text.replace("! grep -q broken src/app.txt", flips))
    shop.hand_off({"src/app.txt": "better\n"})
    shop.watch()
    marker.touch()
    answer(shop.project, HUMAN, "ESC-1", "retry", "")
    shop.watch()
    assert (record(shop).failed, record(shop).judged) == (1, 0)


def configure_whole(shop: Shop, text: str) -> None:
    from tests.conftest import commit, git

    commit(shop.main, {"config/orchestrate.yaml": text}, "configure")
    shop.reopen()
    for name in ("backend", "frontend"):
        git(shop.worktree(name), "merge", "-q", "main")


def test_a_check_in_shadow_decides_nothing(shop: Shop) -> None:
    text = (shop.main / "config/orchestrate.yaml").read_text()
    configure_whole(shop, text.replace("budget: 60s", "budget: 60s, shadow: [code/sound]"))
    shop.hand_off({"src/app.txt": "broken\n"})
    shop.watch()
    assert shop.landed("src/app.txt") == "broken"
    assert last_check(shop, "R-1") == "in shadow"
    assert record(shop).failed == 1


def test_a_quarantined_check_decides_nothing_until_it_ends(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "better\n"})
    shop.watch()
    give(shop.project, "human:ada", "code/sound", seconds=3600, reason="flaky since Monday")
    shop.hand_off({"src/app.txt": "broken\n"})
    shop.watch()
    assert shop.landed("src/app.txt") == "broken"
    assert "flaky since Monday" in last_check(shop, "R-2")
    shop.hand_off({"src/app.txt": "fine\n"})
    shop.watch()
    restore(shop.project, "human:ada", "code/sound", reason="mended")
    assert shop.project.store.read(standing) == []
    shop.hand_off({"src/app.txt": "broken again\n"})
    shop.watch()
    assert shop.state() == "REMEDIATION"


def test_the_rule_puts_a_check_in_quarantine_once_for_one_past(shop: Shop) -> None:
    text = (shop.main / "config/orchestrate.yaml").read_text()
    rule = 'budget: 60s, quarantine: {when: "check.failed >= 2", lasts: 1h}'
    configure_whole(shop, text.replace("budget: 60s", rule))
    shop.hand_off({"src/app.txt": "broken\n"})
    shop.watch()
    shop.work({"src/app.txt": "broken too\n"})
    shop.ready()
    shop.watch()
    [row] = shop.project.store.read(standing)
    assert (row["check"], row["approver"]) == ("code/sound", "coordinator")
    restore(shop.project, "human:ada", "code/sound", reason="mended")
    shop.work({"src/app.txt": "broken a third time\n"})
    shop.ready()
    shop.watch()
    assert shop.project.store.read(standing) == []


@pytest.mark.parametrize(
    ("check", "seconds", "reason"),
    [("code/sound", 91 * 86400, "x"), ("code/sound", 60, "  "), ("code/sund", 60, "x")],
)
def test_a_bad_quarantine_changes_nothing(
    shop: Shop, check: str, seconds: float, reason: str
) -> None:
    shop.hand_off({"src/app.txt": "better\n"})
    shop.watch()
    with pytest.raises(BadQuarantine):
        give(shop.project, "human:ada", check, seconds=seconds, reason=reason)
    assert shop.rows("quarantines") == []


def test_the_command_shows_the_record_and_proposes_without_changing(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.main)
    assert run(["checks"]) == 0
    assert "no check ran here yet" in capsys.readouterr().out
    shop.hand_off({"src/app.txt": "better\n"})
    shop.watch()
    spoil(shop)
    assert run(["checks"]) == 0
    said = capsys.readouterr().out
    assert "code/sound" in said and "0% of 3" in said
    assert 'shadow: ["code/sound"]' in said and "nothing is changed by itself" in said
    assert run(["checks", "quarantine", "code/sound", "--reason", "noisy", "--yes"]) == 0
    assert "is in quarantine until" in capsys.readouterr().out
    assert run(["checks", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["quarantine"][0]["reason"] == "noisy"
    assert run(["checks", "restore", "code/sound", "--reason", "mended", "--yes"]) == 0


def spoil(shop: Shop) -> None:
    """Three failures that were let through, as if by three handoffs."""
    row = shop.rows("results", check="code/sound")[0]
    for number in range(3):
        bad = {**row, "run": f"R-9{number}", "outcome": "failed", "truth": "overruled"}
        shop.project.store.write(partial(insert, row=bad))


def insert(tx: Transaction, row: Row) -> None:
    tx.insert("results", row)
