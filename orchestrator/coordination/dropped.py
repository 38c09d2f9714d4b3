"""What a merge lost: lines that were to be there after it, and are not.

The merge is computed again by git from its two sides. Where the recorded result is
the same, nothing was lost. Where it differs, lines of the computed one that the
result has not are *dropped*: content that both sides kept, or that one side
brought, and that nobody's commit removed. Inside a conflict somebody had to
choose: there only a side that was left out whole is told, as a notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from orchestrator.git import Git, GitError

__all__ = ["HINT", "Drop", "drops", "in_history", "merges"]

#: What to do about content a merge lost.
HINT = "put it back; what is meant to go, goes in a commit of its own before or after the merge"
_SHOWN, _WIDTH = 3, 60


@dataclass(frozen=True, slots=True)
class Drop:
    """``what`` is lost in ``path``; ``lines`` are some of it. A ``choice`` is only told."""

    path: str
    what: str
    lines: tuple[str, ...] = ()
    choice: bool = False

    def __str__(self) -> str:
        shown = "; ".join(f"«{_short(line)}»" for line in self.lines[:_SHOWN])
        return f"{self.path}: {self.what}" + (f": {shown}" if shown else "")


@dataclass
class _Conflict:
    """The two sides of one conflict, line by line."""

    ours: list[str] = field(default_factory=list)
    theirs: list[str] = field(default_factory=list)


def merges(git: Git, base: str, head: str) -> list[tuple[str, list[str]]]:
    """The merges among the commits ``base..head``, each with its parents."""
    found = git.out("rev-list", "--merges", "--parents", f"{base}..{head}").splitlines()
    return [(words[0], words[1:]) for words in map(str.split, found)]


def in_history(git: Git, base: str, head: str) -> Iterator[tuple[str, Drop | None]]:
    """What the merges among ``base..head`` lost and ``head`` still has not, by merge.

    None stands for a merge of more than two sides, which cannot be examined.
    """
    for commit, parents in merges(git, base, head):
        if len(parents) != 2:
            yield commit, None
            continue
        for drop in drops(git, parents[0], parents[1], commit):
            there = set(_lines(git.show(head, drop.path) or b""))
            if not drop.lines or not there.issuperset(drop.lines):
                yield commit, drop


def drops(git: Git, ours: str, theirs: str, result: str) -> list[Drop]:
    """What ``result`` (a commit or tree) lost of merging the commits ``ours`` and ``theirs``."""
    tree, conflicted = _merged(git, ours, theirs)
    found: list[Drop] = []
    fields = iter(git.lines("diff-tree", "-r", "-M", "-z", tree, result))
    for info in fields:
        _, _, before, after, status = info.split(" ")
        path = next(fields)
        if status[0] in "RC":
            next(fields)
        if status[0] != "A" and before.strip("0"):
            sides = [git.show(side, path) or b"" for side in (ours, theirs)]
            old, new = _blob(git, before), _blob(git, after) if after.strip("0") else None
            found += _compared(path, old, new, sides, conflict=path in conflicted)
    return found


def _merged(git: Git, ours: str, theirs: str) -> tuple[str, set[str]]:
    """The tree git makes of both, and the paths it could not merge. Raises ``GitError``."""
    done = git.run(
        "-c", "merge.conflictStyle=merge", "merge-tree", "--write-tree", "-z", "--name-only",
        "--no-messages", "--allow-unrelated-histories", ours, theirs, check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        raise GitError(f"git merge-tree: {done.stderr.decode(errors='replace').strip()}")
    tree, *paths = done.stdout.decode(errors="surrogateescape").split("\0")
    return tree, {path for path in paths if path}


def _blob(git: Git, blob: str) -> bytes:
    done = git.run("cat-file", "blob", blob, check=False)
    return done.stdout if done.returncode == 0 else b""  # a submodule has no content here


def _compared(
    path: str, old: bytes, new: bytes | None, sides: Sequence[bytes], *, conflict: bool
) -> Iterator[Drop]:
    if new is None and conflict:
        yield Drop(path, "one side changed it, the merge deletes it", choice=True)
    elif b"\0" in old or (new and b"\0" in new):
        whose = "a side's version was taken whole" if new in sides else "is as on neither side"
        yield Drop(path, f"binary, and not as git merges it: {whose}", choice=conflict)
    elif new is None:
        yield Drop(path, "the merge deletes it, and neither side did", tuple(_lines(old)[:_SHOWN]))
    else:
        outside, conflicts = _parted(_lines(old)) if conflict else (_lines(old), [])
        yield from _lost(path, outside, _lines(new), sides)
        yield from _left_out(path, conflicts, _lines(new))


def _lost(
    path: str, wanted: Sequence[str], result: Sequence[str], sides: Sequence[bytes]
) -> Iterator[Drop]:
    """Lines outside every conflict that are fewer than they should be."""
    missing = Counter(filter(_tells, wanted)) - Counter(result)
    ours, theirs = (set(_lines(side)) for side in sides)
    kept = [line for line in missing if line in ours and line in theirs]
    one = [line for line in missing if line not in ours or line not in theirs]
    if kept:
        count = sum(missing[line] for line in kept)
        yield Drop(path, f"the merge loses {_many(count)} that both sides kept", tuple(kept))
    if one:
        count = sum(missing[line] for line in one)
        yield Drop(path, f"the merge loses {_many(count)} that one side brought", tuple(one))


def _left_out(path: str, conflicts: Sequence[_Conflict], result: Sequence[str]) -> Iterator[Drop]:
    there = set(result)
    for conflict in conflicts:
        for name, mine, other in (("our", conflict.ours, conflict.theirs),
                                  ("their", conflict.theirs, conflict.ours)):  # fmt: skip
            lines = [line for line in mine if _tells(line) and line not in other]
            if lines and there.isdisjoint(lines):
                what = f"in a conflict, {name} side was left out whole ({_many(len(lines))})"
                yield Drop(path, what, tuple(lines), choice=True)


def _parted(lines: Sequence[str]) -> tuple[list[str], list[_Conflict]]:
    """The lines outside of the conflict markers, and what is between them."""
    outside: list[str] = []
    conflicts: list[_Conflict] = []
    into = outside
    for line in lines:
        if line.startswith("<<<<<<< "):
            conflicts.append(_Conflict())
            into = conflicts[-1].ours
        elif line == "=======" and conflicts and into is conflicts[-1].ours:
            into = conflicts[-1].theirs
        elif line.startswith(">>>>>>> ") and into is not outside:
            into = outside
        else:
            into.append(line)
    return outside, conflicts


def _lines(content: bytes) -> list[str]:
    return content.decode(errors="replace").splitlines()


def _tells(line: str) -> bool:
    """A line that says something: not blank, not only a brace."""
    return any(sign.isalnum() for sign in line)


def _many(count: int) -> str:
    return "a line" if count == 1 else f"{count} lines"


def _short(line: str) -> str:
    text = line.strip()
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"
