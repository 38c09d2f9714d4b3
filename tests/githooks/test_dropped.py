"""What a merge lost, found by making it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.coordination.dropped import drops, merges
from orchestrator.engine.handoff import examine
from orchestrator.engine.merge_check import check
from orchestrator.git import Git
from tests.conftest import MakeRepo
from tests.githooks.conftest import LINES, Shop, change, git


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    """``main`` and ``side`` changed different ends of one file, and each added a file."""
    folder = make_repo({"a.txt": LINES, "gone.txt": "x\n", "picture": "a\0b"})
    git(folder, "switch", "-qc", "side")
    record(folder, {"a.txt": LINES.replace("line 2\n", "side 2\n"), "side.txt": "s\n"})
    git(folder, "switch", "-q", "main")
    record(folder, {"a.txt": LINES.replace("line 19\n", "main 19\n"), "main.txt": "m\n"})
    return folder


def record(folder: Path, files: dict[str, str | None]) -> None:
    change(folder, files)
    git(folder, "commit", "-qm", "change")


def found(folder: Path, files: dict[str, str | None]) -> list[str]:
    """Merge ``side`` with ``files`` put into the result by hand; what was lost."""
    ours, theirs = git(folder, "rev-parse", "main", "side").split()
    git(folder, "merge", "-q", "--no-commit", "--no-ff", "side")
    record(folder, files)
    lost = drops(Git(folder), ours, theirs, "HEAD")
    assert all(not drop.choice for drop in lost)
    return [str(drop) for drop in lost]


MERGED = LINES.replace("line 2\n", "side 2\n").replace("line 19\n", "main 19\n")


@pytest.mark.parametrize(
    ("files", "lost"),
    [
        ({}, []),
        ({"a.txt": MERGED + "more\n"}, []),
        ({"a.txt": "".join(reversed(MERGED.splitlines(keepends=True)))}, []),
        (
            {"a.txt": MERGED.replace("line 7\n", "")},
            ["a.txt: the merge loses a line that both sides kept: «line 7»"],
        ),
        (
            {"a.txt": MERGED.replace("side 2\n", "line 2\n")},
            ["a.txt: the merge loses a line that one side brought: «side 2»"],
        ),
        (
            {"side.txt": None},
            ["side.txt: the merge deletes it, and neither side did: «s»"],
        ),
        (
            {"picture": "a\0c"},
            ["picture: binary, and not as git merges it: is as on neither side"],
        ),
    ],
)
def test_what_is_lost_is_named_and_what_is_kept_or_added_is_not(
    repo: Path, files: dict[str, str | None], lost: list[str]
) -> None:
    assert found(repo, files) == lost


def test_in_a_conflict_a_side_left_out_whole_is_told_and_nothing_more(repo: Path) -> None:
    record(repo, {"a.txt": LINES.replace("line 2\n", "main 2\n")})
    ours, theirs = git(repo, "rev-parse", "main", "side").split()
    git(repo, "merge", "-q", "-X", "ours", "side", "-m", "ours")
    [drop] = drops(Git(repo), ours, theirs, "HEAD")
    assert drop.choice
    assert str(drop) == "a.txt: in a conflict, their side was left out whole (a line): «side 2»"
    assert [parents for _, parents in merges(Git(repo), "HEAD~1", "HEAD")] == [[ours, theirs]]


def test_a_branch_that_lost_somebody_elses_lines_is_found_before_it_is_merged(
    bare_shop: Shop,
) -> None:
    there = bare_shop.at("backend")
    record(bare_shop.main, {"src/a.py": LINES.replace("line 18\n", "line eighteen\n")})
    git(there, "commit", "-q", "--allow-empty", "-m", "own")
    git(there, "merge", "-q", "-s", "ours", "main", "-m", "updated")
    record(there, {"src/b.py": "b\n"})
    result = check(bare_shop.project, since="main", ref="backend", instance="backend")
    assert (result.refused, result.merges) == (True, 1)
    [problem] = result.problems
    assert "loses a line that one side brought: «line eighteen»" in problem.text
    marked = examine(bare_shop.project, "backend", "backend")
    assert "lost content: src/a.py: the merge loses a line" in marked.lost[0]
    bare_shop.lease("frontend", "src/b.py")
    result = check(bare_shop.project, since="main", ref="backend", instance="backend")
    assert "src/b.py is leased by frontend (L-1)" in result.problems[0].text
    bare_shop.release("frontend")
    record(there, {"src/a.py": LINES.replace("line 18\n", "line eighteen\n")})
    result = check(bare_shop.project, since="main", ref="backend", instance="backend")
    assert (result.problems, result.merges) == ((), 1), "it was put back"
