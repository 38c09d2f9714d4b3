"""Commits that reached a branch without passing our pre-commit hook: noticed, and recorded once.

Git's own log of each branch (its reflog) tells every commit, whichever way it was
made: with ``--no-verify``, or with the hooks switched off. How far each log was read
is kept in ``branch_logs``. What git itself never checks (a rebase, a fast-forward)
is not accused here: the push, ``ready`` and the transfer look at it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.coordination.committing import branch_of, landed
from orchestrator.store.port import NewEvent, Reader, Row, Store, Transaction

__all__ = ["Line", "baseline", "notice", "pending"]

#: A commit's own hooks may still run: others leave younger lines alone, in seconds.
SETTLED = 60
#: Commits told in one event.
_TOLD = 50
_COMMIT = re.compile(r"commit(?: \([a-z-]+\))?:|.*: Merge made by ")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a branch's log. ``at`` in seconds since the epoch; ``end`` its end in bytes."""

    commit: str
    committer: str
    at: int
    message: str
    end: int


def baseline(tx: Transaction, common: Path) -> None:
    """Everything up to now counts as read: nobody is accused of what was before."""
    for ref, size in _logs(common):
        _keep(tx, ref, size, int(time.time()))


def pending(reader: Reader, common: Path, ref: str | None = None) -> bool:
    """Whether a log grew since it was read; costs a look at the files' sizes."""
    known = {row["ref"]: row["size"] for row in reader.find("branch_logs")}
    return any(known.get(name) != size for name, size in _logs(common, ref))


def notice(
    store: Store,
    common: Path,
    *,
    ref: str | None = None,
    passed: str | None = None,
    own: str | None = None,
    actor: str = "unknown",
) -> list[str]:
    """Record what is new in the logs as ``commit.unchecked``; the commits concerned.

    ``ref``: only this branch (``main``), by its own hook right after the commit ``own``;
    ``passed`` is that commit if it was checked, ``actor`` who made it. Nothing where the
    hooks are not installed.
    """
    if not store.read(lambda reader: _wanted(reader, common, ref)):
        return []

    def body(tx: Transaction) -> list[str]:
        found: list[str] = []
        for name, size in _logs(common, ref):
            fresh = _fresh(tx, common, name, size, young=own is not None)
            suspects = [line for line in fresh.lines
                        if _COMMIT.match(line.message) and line.commit != passed]  # fmt: skip
            ours = landed(tx, [line.commit for line in suspects])
            left = [line for line in suspects if line.commit not in ours]
            if left:
                mine = all(line.commit == own for line in left)
                _tell(tx, name, left, actor if mine else "unknown")
                found += [line.commit for line in left]
            _keep(tx, name, fresh.end, fresh.at)
        return found

    return store.write(body)


def _wanted(reader: Reader, common: Path, ref: str | None) -> bool:
    installed = reader.get("meta", name="git_hooks")
    return bool(installed and installed["value"]) and pending(reader, common, ref)


def _tell(tx: Transaction, ref: str, lines: list[Line], actor: str) -> None:
    many = "a commit" if len(lines) == 1 else f"{len(lines)} commits"
    reason = f"{many} on {ref} without a record that our pre-commit hook passed"
    told = {
        "branch": ref,
        "commits": [line.commit for line in lines][:_TOLD],
        "committers": sorted({line.committer for line in lines})[:_TOLD],
    }
    tx.record(NewEvent("commit.unchecked", actor, branch_of(tx, ref), reason=reason, data=told))


@dataclass(frozen=True, slots=True)
class _Fresh:
    """The lines nobody looked at yet, and up to where the log is read with them."""

    lines: list[Line]
    end: int
    at: int


def _fresh(reader: Reader, common: Path, ref: str, size: int, *, young: bool) -> _Fresh:
    """``young`` lines only for a branch's own hook."""
    known = reader.get("branch_logs", ref=ref) or {"size": 0, "at": 0}
    # A log that shrank was written anew by git: what is not younger was looked at.
    rewritten = known["size"] > size
    end, at, lines = 0 if rewritten else known["size"], known["at"], []
    for line in _lines(common / "logs/refs/heads" / ref, end):
        if not young and line.at > time.time() - SETTLED:
            break
        if not rewritten or line.at > known["at"]:
            lines.append(line)
        end, at = line.end, max(at, line.at)
    return _Fresh(lines, end, at)


def _lines(path: Path, start: int) -> Iterator[Line]:
    try:
        with path.open("rb") as file:
            file.seek(start)
            data = file.read()
    except OSError:
        return
    end = start
    for raw in data.splitlines(keepends=True):
        end += len(raw)
        head, _, message = raw.decode(errors="replace").rstrip("\n").partition("\t")
        fields = head.split(" ")
        if len(fields) >= 5 and fields[-2].isdigit():
            who = " ".join(fields[2:-2])
            yield Line(fields[1], who, int(fields[-2]), message, end)


def _logs(common: Path, ref: str | None = None) -> Iterator[tuple[str, int]]:
    """Branches that have a log, and its size."""
    top = common / "logs/refs/heads"
    paths = [top / ref] if ref else sorted(top.rglob("*"))
    for path in paths:
        try:
            if path.is_file():
                yield path.relative_to(top).as_posix(), path.stat().st_size
        except OSError:
            continue  # deleted meanwhile


def _keep(tx: Transaction, ref: str, size: int, at: int) -> None:
    row: Row = {"size": size, "at": at}
    if not tx.update("branch_logs", {"ref": ref}, row):
        tx.insert("branch_logs", {"ref": ref, **row})
