"""A path means one target, however and wherever it is written, and never leaves the repository."""

from __future__ import annotations

import itertools

import pytest

from orchestrator.coordination import paths
from orchestrator.coordination.paths import (
    BadPath,
    OutsideRepository,
    Target,
    file_target,
    normalise,
    overlaps,
    with_lines,
)
from orchestrator.git import Repository, find
from tests.conftest import MakeRepo, git


@pytest.fixture
def repository(make_repo: MakeRepo) -> Repository:
    return find(make_repo({"src/app.py": "x\n", "src/deep/a.py": "x\n", "a[1].py": "x\n"}))


def target(repository: Repository, text: str, cwd: str = "") -> tuple[str, str]:
    found = normalise(repository, repository.main / cwd, text)
    return found.kind, found.path


@pytest.mark.parametrize(
    "text", ["src/app.py", "./src/app.py", "src/./app.py", "src/deep/../app.py", "src//app.py"]
)
def test_every_spelling_of_a_file_is_one_target(repository: Repository, text: str) -> None:
    assert target(repository, text) == ("file", "src/app.py")


def test_a_relative_path_is_relative_to_where_it_was_written(repository: Repository) -> None:
    assert target(repository, "app.py", "src") == ("file", "src/app.py")
    assert target(repository, "../a.txt", "src") == ("file", "a.txt")


def test_what_does_not_exist_yet_is_the_same_target_before_and_after(
    repository: Repository,
) -> None:
    written = ["new/sub/z.py", str(repository.main / "new/sub/z.py"), "./new/x/../sub/z.py"]
    before = {target(repository, text) for text in written}
    (repository.main / "new/sub").mkdir(parents=True)
    assert {target(repository, text) for text in written[:2]} | before == {("file", "new/sub/z.py")}


def test_an_absolute_path_in_any_worktree_is_relative_to_the_repository(
    repository: Repository,
) -> None:
    outside, inside = repository.main.parent / "other", repository.main / "trees/one"
    git(repository.main, "worktree", "add", "-q", "-b", "other", str(outside))
    git(repository.main, "worktree", "add", "-q", "-b", "one", str(inside))
    for place in (outside, inside, repository.main):
        assert target(repository, str(place / "src/app.py")) == ("file", "src/app.py")
        assert target(find(place), str(place / "new.py")) == ("file", "new.py")


def test_a_symbolic_link_is_what_it_points_to(repository: Repository) -> None:
    (repository.main / "link").symlink_to("src")
    (repository.main / "same.py").symlink_to("src/app.py")
    assert target(repository, "link/app.py") == ("file", "src/app.py")
    assert target(repository, "link/../x.py") == ("file", "x.py")
    assert target(repository, "same.py") == ("file", "src/app.py")


def test_a_linked_repository_is_itself(repository: Repository) -> None:
    alias = repository.main.parent / "alias"
    alias.symlink_to(repository.main)
    assert target(find(alias), str(alias / "src/app.py")) == ("file", "src/app.py")


@pytest.mark.parametrize(
    "text", ["../../etc/passwd", "/etc/passwd", "..", "src/../../x", ".git/config", ".git", "out/x"]
)
def test_nothing_outside_the_repository_can_be_leased(repository: Repository, text: str) -> None:
    (repository.main / "out").symlink_to("/tmp")
    with pytest.raises(OutsideRepository):
        normalise(repository, repository.main, text)


def test_folders_are_known_by_their_slash_or_because_they_exist(repository: Repository) -> None:
    assert target(repository, "src") == target(repository, "src/") == ("folder", "src")
    assert target(repository, "later/") == ("folder", "later")
    assert target(repository, ".") == ("folder", ".")
    with pytest.raises(BadPath, match="is a file"):
        normalise(repository, repository.main, "src/app.py/")


def test_wildcards_make_a_glob_unless_the_file_is_called_so(repository: Repository) -> None:
    assert target(repository, "src/*.py") == ("glob", "src/*.py")
    assert target(repository, "*.py", "src") == ("glob", "src/*.py")
    assert target(repository, "src/deep/../**/t?.py") == ("glob", "src/**/t?.py")
    assert target(repository, "a[1].py") == ("file", "a[1].py")
    assert normalise(repository, repository.main, "src/deep/*").prefix == "src/deep"
    with pytest.raises(BadPath, match="after a wildcard"):
        normalise(repository, repository.main, "src/*/../x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "an empty path"),
        ("a\nb", "character 2 is U+000A"),
        ("a\x1b[2J", "character 2 is U+001B"),
        ("nul\0", "character 4 is U+0000"),
        ("x" * 256, "a name of 256 bytes"),
        ("é" * 128, "a name of 256 bytes"),
        ("d/" * 2048 + "x", "4097 bytes"),
        ("\udcff", "U+DCFF"),
    ],
)
def test_an_unusable_path_is_refused_with_the_place(
    repository: Repository, text: str, said: str
) -> None:
    with pytest.raises(BadPath) as refused:
        normalise(repository, repository.main, text)
    assert said in refused.value.message


@pytest.mark.parametrize(
    "text", ["-n", 'a"b', "a'b", "a\\b.py", "$(x)", " spaced ", "a/" + "b" * 120 + "/" + "c" * 180]
)
def test_odd_but_possible_names_are_files_like_others(repository: Repository, text: str) -> None:
    assert target(repository, text) == ("file", text)


def test_composed_and_decomposed_letters_are_one_name(repository: Repository) -> None:
    assert target(repository, "cafe\u0301.py") == target(repository, "caf\u00e9.py")


def test_where_the_disk_folds_case_so_do_leases(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert target(repository, "New.py") != target(repository, "new.py")
    monkeypatch.setattr(paths, "folds_case", lambda root: True)
    assert target(repository, "New.py") == target(repository, "NEW.py") == ("file", "new.py")
    assert target(repository, "Lib/*.PY") == ("glob", "lib/*.py")


def test_only_a_file_has_lines(repository: Repository) -> None:
    assert str(with_lines(file_target("a.py"), 3, 9)) == "a.py:3-9"
    for first, last in ((0, 3), (5, 4), (-1, 2)):
        with pytest.raises(BadPath):
            with_lines(file_target("a.py"), first, last)
    with pytest.raises(BadPath):
        with_lines(normalise(repository, repository.main, "src"), 1, 2)


NAMES = ("a", "ab", "b")
WORLD = [
    *NAMES,
    *("/".join(p) for p in itertools.product(NAMES, NAMES)),
    *("/".join(p) for p in itertools.product(("a", "b"), NAMES, NAMES)),
]
TARGETS = [
    *(file_target(path) for path in ("a", "b", "a/b", "a/ab", "b/a/ab")),
    *(Target("folder", path, path) for path in ("a", "b", "a/b", "b/a")),
    Target("folder", ".", ""),
    *(
        Target("glob", glob, "")
        for glob in ("*", "a*", "*b", "**", "*/a*", "**/ab", "?/*b", "[!a]")
    ),
    *(Target("glob", f"a/{glob}", "a") for glob in ("*", "*b", "**/a", "?")),
]


def covered(one: Target) -> set[str]:
    """The paths of a small world that belong to a target, found one by one."""
    return {path for path in WORLD if overlaps(one, file_target(path))}


def test_a_folder_covers_what_is_beneath_and_a_glob_what_it_matches() -> None:
    assert covered(Target("folder", "a", "a")) == {p for p in WORLD if p.split("/")[0] == "a"}
    assert covered(Target("folder", ".", "")) == set(WORLD)
    assert covered(Target("glob", "a*", "")) == {"a", "ab"}


@pytest.mark.parametrize("one", TARGETS, ids=str)
def test_overlap_is_what_enumeration_finds(one: Target) -> None:
    for other in TARGETS:
        assert overlaps(one, other) == bool(covered(one) & covered(other)), (one, other)
        assert overlaps(one, other) == overlaps(other, one)


def test_a_star_b_meets_a_star_although_neither_is_the_other() -> None:
    assert overlaps(Target("glob", "a*", ""), Target("glob", "*b", ""))
    assert not overlaps(Target("glob", "a*c", ""), Target("glob", "*b", ""))


def test_parts_of_one_file_without_a_common_line_do_not_overlap() -> None:
    file = file_target("a.py")
    one, two, three = with_lines(file, 1, 10), with_lines(file, 11, 20), with_lines(file, 10, 11)
    assert not overlaps(one, two)
    assert overlaps(one, three) and overlaps(two, three) and overlaps(one, file)
