"""A finding may be accepted for a while, by somebody other than its producer."""

from __future__ import annotations

import json

import pytest

from orchestrator.coordination.callers import Caller
from orchestrator.engine.waiving import WaiverRefused, give, revoke
from orchestrator.verification.outcome import Report
from tests.conftest import commit, git
from tests.engine.conftest import CONFIG, Shop

HUMAN = Caller("human:ada", human=True)
CHECK = 'run: "! grep -q broken src/app.txt"'
#: A check with a finding of its own: one SARIF result as long as the file says broken.
WITH_FINDING = 'run: "python3 check.py {report}", report: {format: sarif}'
SCRIPT = """\
import json, sys
found = "broken" in open("src/app.txt").read()
result = {"ruleId": "no-broken", "level": "error", "message": {"text": "it is broken"}}
run = {"tool": {"driver": {"name": "check"}}, "results": [result] if found else []}
json.dump({"version": "2.1.0", "runs": [run]}, open(sys.argv[1], "w"))
sys.exit(found)
"""


@pytest.fixture
def failed(shop: Shop) -> Shop:
    """A handoff that was sent back for one finding."""
    config = CONFIG.replace(CHECK, WITH_FINDING)
    commit(shop.main, {"config/orchestrate.yaml": config, "check.py": SCRIPT})
    shop.reopen()
    git(shop.worktree("backend"), "merge", "-q", "main")
    shop.hand_off({"src/app.txt": "broken\n"})
    shop.watch()
    assert shop.state() == "REMEDIATION"
    return shop


def fingerprint(shop: Shop) -> str:
    report = Report.from_json(json.loads(shop.rows("runs")[-1]["report"]))
    [(check, finding)] = report.findings()
    return finding.fingerprint(check.id)


def accept(shop: Shop, who: Caller = HUMAN, **changes: object) -> None:
    terms = {"reason": "known, harmless", "seconds": 3600.0, "uses": None, **changes}
    give(shop.project, who, "H-1", fingerprint(shop), **terms)  # type: ignore[arg-type]


def try_again(shop: Shop) -> str:
    shop.work({"src/other.txt": shop.head()})
    shop.ready()
    shop.watch()
    return shop.state()


def test_a_waived_finding_does_not_stand_in_the_way(failed: Shop) -> None:
    accept(failed)
    assert try_again(failed) == "STANDBY"
    assert failed.landed("src/app.txt") == "broken"
    assert failed.row("waivers", "W-1")["used"] == 1


def test_nobody_waives_findings_in_their_own_work(failed: Shop) -> None:
    for name in ("backend", "frontend", "unregistered"):
        with pytest.raises(WaiverRefused):
            accept(failed, Caller(name, human=False))


def test_a_waiver_ends(failed: Shop) -> None:
    with pytest.raises(WaiverRefused, match="expired already"):
        accept(failed, seconds=0.0)
    accept(failed)
    revoke(failed.project, HUMAN, "W-1")
    assert try_again(failed) == "REMEDIATION"
