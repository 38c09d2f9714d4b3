"""Checkouts are honest, survive whatever is done to them, and touch nobody else's work."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator import descendants
from orchestrator.git import Git, GitError, Repository, find
from orchestrator.verification.checkout import Candidate, CheckoutBroken, Pool, checkouts_folder
from tests.conftest import MakeRepo, commit, git
from tests.verification.world import until


@pytest.fixture
def shop(make_repo: MakeRepo) -> Path:
    return make_repo({"a": "1\n", "b": "1\n", ".gitignore": "*.tmp\nenv/\n"})


def head(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".git"}


def test_checkout_holds_exactly_the_commit(shop: Path) -> None:
    first = head(shop)
    second = commit(shop, {"c": "2\n", "b": None})
    pool = Pool(find(shop))
    with pool.claim(first) as checkout:
        assert names(checkout.path) == {"a", "b", ".gitignore"}
        for litter in ("x.tmp", "new", "a"):
            (checkout.path / litter).write_text("litter")
        (checkout.path / "folder").mkdir()
        git(checkout.path / "folder", "init", "-q")
    with pool.claim(second) as checkout:
        assert names(checkout.path) == {"a", "c", ".gitignore"}
        assert (checkout.path / "a").read_text() == "1\n"
        assert checkout.git.out("status", "--porcelain", "--ignored") == ""


def test_kept_paths_survive_and_only_they(shop: Path) -> None:
    pool = Pool(find(shop))
    with pool.claim(head(shop)) as checkout:
        for name in ("env", "other/env"):
            (checkout.path / name).mkdir(parents=True)
            (checkout.path / name / "tool").write_text("x")
    with pool.claim(head(shop), keep=["env"]) as checkout:
        assert names(checkout.path) == {"a", "b", ".gitignore", "env"}


def test_checkouts_in_use_at_once_are_different_and_later_used_again(shop: Path) -> None:
    pool, other = Pool(find(shop)), Pool(find(shop))
    with pool.claim(head(shop)) as one, other.claim(head(shop)) as two:
        assert one.path != two.path
    with pool.claim(head(shop)) as again:
        assert again.path == one.path
        assert list(again.scratch.iterdir()) == []
    assert len(Git(shop).worktrees()) == 3


def _break_link(path: Path) -> None:
    (path / ".git").write_text("")


def _point_elsewhere(path: Path) -> None:
    (path / ".git").write_text(f"gitdir: {_private(path).parents[1]}\n")


def _become_a_repository(path: Path) -> None:
    (path / ".git").unlink()
    git(path, "init", "-q")


def _remove(path: Path) -> None:
    subprocess.run(["rm", "-rf", str(path)], check=True)


def _prune(path: Path) -> None:
    git(_private(path).parents[2], "worktree", "remove", "--force", str(path))


def _become_a_file(path: Path) -> None:
    _remove(path)
    path.write_text("x")


def _empty_head(path: Path) -> None:
    (_private(path) / "HEAD").write_text("")


def _spoil_index(path: Path) -> None:
    (_private(path) / "index").write_bytes(b"spoilt")


def _leave_lock(path: Path) -> None:
    (_private(path) / "index.lock").write_text("")
    (_private(path) / "HEAD.lock").write_text("")


def _stop_mid_merge(path: Path) -> None:
    (_private(path) / "MERGE_HEAD").write_text(head(path) + "\n")


def _read_only(path: Path) -> None:
    (path / "env").mkdir()
    (path / "env" / "x").write_text("x")
    (path / "env").chmod(0o500)


def _private(path: Path) -> Path:
    return Path((path / ".git").read_text().removeprefix("gitdir:").strip())


@pytest.mark.parametrize(
    "harm",
    [
        _break_link, _point_elsewhere, _become_a_repository, _remove, _prune, _become_a_file,
        _empty_head, _spoil_index, _leave_lock, _stop_mid_merge, _read_only,
    ],
)  # fmt: skip
def test_a_broken_checkout_is_mended_or_made_again(
    shop: Path, harm: Callable[[Path], None]
) -> None:
    pool = Pool(find(shop))
    (shop / "dirty").write_text("precious")
    with pool.claim(head(shop)) as checkout:
        harm(checkout.path)
    with pool.claim(head(shop)) as checkout:
        assert names(checkout.path) == {"a", "b", ".gitignore"}
        assert checkout.git.out("status", "--porcelain", "--ignored") == ""
    assert (shop / "dirty").read_text() == "precious"


def test_a_branch_left_checked_out_by_a_check_does_not_move(shop: Path) -> None:
    first = head(shop)
    git(shop, "branch", "feature")
    second = commit(shop, {"a": "2\n"})
    pool = Pool(find(shop))
    with pool.claim(first) as checkout:
        git(checkout.path, "checkout", "-q", "feature")
    with pool.claim(second):
        assert git(shop, "rev-parse", "feature") == first


def _lives(group: int) -> bool:
    """Whether any process of a group is left; the dead that nobody has reaped hold nothing."""
    if not descendants.can_reap():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, 0)
            return True
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of_group = file.read_text().rpartition(")")[2].split()[:3]
            if int(of_group) == group and state != "Z":
                return True
    return False


def test_killed_in_the_middle_of_a_reset_the_next_claim_works(shop: Path) -> None:
    for number in range(40):
        (shop / f"f{number}").write_text("x" * 10_000)
    first = commit(shop, {})
    second = commit(shop, {f"f{number}": None for number in range(40)})
    program = (
        "import sys, itertools\n"
        "from orchestrator.git import find\n"
        "from orchestrator.verification.checkout import Pool\n"
        "pool = Pool(find())\n"
        "for commit in itertools.cycle(sys.argv[1:]):\n"
        "    with pool.claim(commit): print('claimed', flush=True)\n"
    )
    pool = Pool(find(shop))
    for number in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", program, first, second],
            cwd=shop,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert child.stdout is not None
        for _ in range(number + 1):
            child.stdout.readline()
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        # What the dead was just forking holds the claim until it is gone too.
        assert until(lambda group=child.pid: not _lives(group))  # type: ignore[misc]
        with pool.claim(first) as checkout:
            assert checkout.path.name == "1", "the kernel freed the claim of the dead"
            assert len(names(checkout.path)) == 43
            assert checkout.git.out("status", "--porcelain") == ""


def test_commit_that_does_not_exist_is_a_clear_error(shop: Path) -> None:
    with (
        pytest.raises(CheckoutBroken, match="0123456789ab"),
        Pool(find(shop)).claim("0123456789abcdef0123456789abcdef01234567"),
    ):
        pass


def test_preview_is_the_merge_commit_that_would_land(shop: Path) -> None:
    base = head(shop)
    git(shop, "checkout", "-q", "-b", "work")
    work = commit(shop, {"c": "new\n", "a": "2\n"})
    candidate = Pool(find(shop)).preview(base, work, "Merge H-1")
    assert (candidate.base, candidate.head, candidate.conflicts) == (base, work, ())
    assert candidate.changed == ("a", "c")
    assert git(shop, "show", "-s", "--format=%P %s", candidate.commit) == f"{base} {work} Merge H-1"
    assert candidate.tree == git(shop, "rev-parse", f"{work}^{{tree}}")
    assert git(shop, "branch", "--show-current") == "work", "nobody's branch moved"
    assert git(shop, "rev-parse", "main") == base


def test_preview_names_conflicts_and_makes_no_commit(shop: Path) -> None:
    git(shop, "checkout", "-q", "-b", "work")
    work = commit(shop, {"a": "mine\n", "b": "mine\n", "c": "fine\n"})
    git(shop, "checkout", "-q", "main")
    base = commit(shop, {"a": "theirs\n", "b": None})
    pool = Pool(find(shop))
    candidate = pool.preview(base, work, "Merge")
    assert candidate.conflicts == ("a", "b")
    assert candidate.commit == work
    git(shop, "checkout", "-q", "-b", "fine", base)
    fine = commit(shop, {"d": "x\n"})
    assert pool.preview(base, fine, "Merge").conflicts == ()


def test_preview_of_what_is_already_in_changes_nothing(shop: Path) -> None:
    first = head(shop)
    base = commit(shop, {"a": "2\n"})
    candidate = Pool(find(shop)).preview(base, first, "Merge")
    assert (candidate.commit, candidate.changed) == (base, ())


def test_preview_obeys_attributes_and_ignores_the_users_ways(shop: Path) -> None:
    commit(shop, {".gitattributes": "log merge=union\n", "log": "one\n"})
    for setting in ("merge.ff=only", "commit.gpgSign=true", "merge.verifySignatures=true"):
        git(shop, "config", *setting.split("="))
    hook = shop / ".git" / "hooks" / "commit-msg"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    git(shop, "config", "commit.gpgSign", "false")
    git(shop, "checkout", "-q", "-b", "work")
    (shop / "log").write_text("one\nmine\n")
    git(shop, "commit", "-q", "--no-verify", "-am", "work")
    work = head(shop)
    git(shop, "checkout", "-q", "main")
    (shop / "log").write_text("one\ntheirs\n")
    git(shop, "commit", "-q", "--no-verify", "-am", "base")
    git(shop, "config", "commit.gpgSign", "true")
    candidate = Pool(find(shop)).preview(head(shop), work, "Merge")
    assert candidate.conflicts == ()
    merged = git(shop, "show", f"{candidate.commit}:log").split()
    assert sorted(merged) == ["mine", "one", "theirs"]


def test_preview_needs_no_configured_identity_and_uses_one_that_is(shop: Path) -> None:
    base = head(shop)
    git(shop, "checkout", "-q", "-b", "work")
    work = commit(shop, {"c": "x"})
    pool = Pool(find(shop))
    made = pool.preview(base, work, "Merge").commit
    assert git(shop, "show", "-s", "--format=%cn", made) == "orchestrate"
    git(shop, "config", "user.name", "Grace")
    git(shop, "config", "user.email", "grace@example.org")
    made = pool.preview(base, work, "Merge again").commit
    assert git(shop, "show", "-s", "--format=%cn", made) == "Grace"


def test_preview_of_unrelated_histories_is_an_error_that_says_so(shop: Path) -> None:
    base = head(shop)
    git(shop, "checkout", "-q", "--orphan", "other")
    other = commit(shop, {"z": "z"})
    with pytest.raises(GitError, match="unrelated histories"):
        Pool(find(shop)).preview(base, other, "Merge")


def test_candidate_of_a_commit_knows_what_changed(shop: Path) -> None:
    base = head(shop)
    made = commit(shop, {"a": "2\n"})
    assert Candidate.of(Git(shop), made, base).changed == ("a",)
    assert Candidate.of(Git(shop), made).changed is None


def test_pool_serves_linked_worktrees_from_the_same_place(shop: Path) -> None:
    side = shop.parent / "side dir"
    git(shop, "worktree", "add", "-q", "-b", "side", str(side))
    assert checkouts_folder(find(side)) == checkouts_folder(find(shop))
    with Pool(find(side)).claim(head(shop)) as checkout:
        assert checkout.path.parent == checkouts_folder(find(shop))


def test_checkouts_are_not_below_a_git_folder_where_tools_see_no_files(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ".git" not in checkouts_folder(find(shop)).parts
    other = tmp_path / "elsewhere" / "repo"
    assert checkouts_folder(Repository(other, other, other / ".git")) != checkouts_folder(
        find(shop)
    ), "two repositories of one name share nothing"
    monkeypatch.setenv("ORCHESTRATE_STATE", str(tmp_path / "state"))
    assert checkouts_folder(find(shop)) == tmp_path / "state" / "checkouts"


def test_without_a_writable_home_checkouts_are_with_the_state(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert checkouts_folder(find(shop)) == shop / ".git" / "orchestrator" / "checkouts"
    with Pool(find(shop)).claim(head(shop)) as checkout:
        assert names(checkout.path) == {"a", "b", ".gitignore"}
