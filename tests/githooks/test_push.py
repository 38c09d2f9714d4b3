"""What git push and git merge meet, with the hooks really run by git."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.store.tables import TABLES
from tests.githooks.conftest import LINES, Shop, change, git, run


@pytest.fixture
def remote(shop: Shop, tmp_path: Path) -> Path:
    place = tmp_path / "remote.git"
    git(tmp_path, "init", "-q", "--bare", str(place))
    git(shop.main, "remote", "add", "origin", str(place))
    git(shop.main, "-c", "core.hooksPath=/dev/null", "push", "-q", "origin", "main")
    return place


def committed(folder: Path, files: dict[str, str | None], message: str = "work") -> str:
    change(folder, files)
    git(folder, "-c", "core.hooksPath=/dev/null", "commit", "-qm", message)
    return git(folder, "rev-parse", "HEAD")


def test_what_is_pushed_is_judged_by_its_new_commits(shop: Shop, remote: Path) -> None:
    there = shop.at("frontend")
    committed(there, {"src/a.py": "held\n"})
    shop.lease("backend", "src/a.py")
    said = run(there, "push", "-q", "origin", "frontend", "main", who="frontend")
    assert (said.status, "src/a.py is leased by backend" in said.text) == (1, True)
    assert run(there, "push", "-q", "origin", "frontend").status == 0, "a human is told"
    committed(there, {"ui/b.js": "free\n"})
    assert run(there, "push", "-q", "origin", "frontend", who="frontend").status == 0
    assert run(there, "push", "-q", "origin", ":frontend", who="frontend").status == 0


@pytest.mark.slow
def test_the_integration_branch_at_the_remote_takes_landed_work_only(
    shop: Shop, remote: Path
) -> None:
    there = shop.at("backend")
    head = committed(there, {"src/a.py": "x\n"})
    said = run(there, "push", "-q", "origin", "HEAD:main", who="backend")
    assert (said.status, "came through no handoff" in said.text) == (1, True)
    assert run(there, "push", "-q", "origin", ":main", who="backend").status == 1
    row = {"id": "H-1", "producer": "backend", "status": "landed", "landed": head, "version": 1}
    others = dict.fromkeys(set(TABLES["handoffs"].columns) - set(row))
    shop.project.store.write(lambda tx: tx.insert("handoffs", {**others, **row}))
    assert run(there, "push", "-q", "origin", "HEAD:main", who="backend").status == 0
    git(there, "commit", "-q", "--amend", "--no-verify", "-m", "another")
    said = run(there, "push", "-qf", "origin", "HEAD:main", who="backend")
    assert (said.status, "drops commits" in said.text) == (1, True)


@pytest.mark.slow
def test_a_verification_that_fails_stops_a_push_where_it_is_asked_for(
    shop: Shop, remote: Path
) -> None:
    check = "integration_tests: [{name: sound, run: '! grep -q broken src/a.py'}]"
    shop.policy(f"git_hooks: {{verify_on_push: true}}\n{check}")
    there = shop.at("backend")
    git(there, "reset", "-q", "--hard", "main")
    committed(there, {"src/a.py": "broken\n"})
    said = run(there, "push", "-q", "origin", "backend", who="backend")
    assert (said.status, "verification failed: this push is refused" in said.text) == (1, True)
    committed(there, {"src/a.py": "sound\n"})
    assert run(there, "push", "-q", "origin", "backend", who="backend").status == 0


def test_a_merge_brings_nothing_that_a_third_one_holds(shop: Shop) -> None:
    committed(shop.at("backend"), {"src/a.py": "by backend\n"})
    shop.lease("frontend", "src/a.py")
    integ = shop.main
    git(integ, "switch", "-qc", "joined")
    said = run(integ, "merge", "-q", "--no-ff", "backend", who="coordinator")
    assert (said.status, "src/a.py is leased by frontend" in said.text) == (1, True)
    git(integ, "merge", "--abort")
    assert run(integ, "merge", "-q", "--no-ff", "backend", who="frontend").status == 0, "the holder"
    assert run(integ, "merge", "-q", "--no-ff", "main", who="coordinator").status == 0


def test_a_merge_that_loses_lines_is_refused(shop: Shop) -> None:
    there = shop.at("backend")
    committed(there, {"src/a.py": LINES.replace("line 2\n", "line two\n")})
    committed(shop.main, {"src/a.py": LINES.replace("line 18\n", "line eighteen\n")})
    git(there, "merge", "-q", "--no-commit", "--no-ff", "main")
    change(there, {"src/a.py": LINES.replace("line 2\n", "line two\n").replace("line 9\n", "")})
    said = run(there, "commit", "-qm", "evil", who="backend")
    assert said.status == 1
    assert "loses a line that both sides kept: «line 9»" in said.text
    assert "loses a line that one side brought: «line eighteen»" in said.text
    git(there, "merge", "--abort")
    assert run(there, "merge", "-q", "main", who="backend").status == 0, "the honest one"
    merge = git(there, "rev-parse", "HEAD")
    assert not [event for event in shop.unchecked() if merge in event["data"]]
