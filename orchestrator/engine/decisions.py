"""Decisions where they meet the rest: a disagreement asks a human, pages go to files and git."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.coordination import deciding
from orchestrator.coordination.adr import MARK, page
from orchestrator.coordination.callers import Caller
from orchestrator.coordination.copies import copy_of
from orchestrator.engine.acting import act
from orchestrator.engine.project import Project
from orchestrator.engine.questions import ask, moot
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.git import Git
from orchestrator.store.port import Row, Transaction

__all__ = ["NotExported", "commit", "end", "export", "object_to", "settle"]

_KIND = "disagreement"


class NotExported(OrchestrateError):
    """The pages of the decisions cannot be written there.

    The message says what the system said. Pages already written are whole;
    the command can be repeated. With ``--commit`` the folder has to be inside
    the repository.
    """

    code = "E387"
    exit_status = EXIT["usage"]


def object_to(
    project: Project, who: Caller, name: str, decision: str, body: str
) -> tuple[Row, Row]:
    """Object for ``name`` (an instance, or a human); the decision and its escalation."""

    def write(tx: Transaction, actor: str) -> tuple[Row, Row]:
        row = deciding.object_to(tx, decision, body, actor=actor, instance=name)
        question = ask(
            tx,
            project,
            _KIND,
            actor=actor,
            instance=name,
            handoff=None,
            question=f"{name} objects to {row['id']} ({row['title'][:100]}). What holds?",
            reason=body,
            data={"about": row["origin"]},
            about=row["origin"],
        )
        return row, question

    return act(project, who, name, write)


def end(project: Project, who: Caller, name: str, step: Callable[[Transaction, str], Row]) -> Row:
    """Take a ``step`` that settles a decision; a question still open about it is closed."""

    def write(tx: Transaction, actor: str) -> Row:
        row = step(tx, actor)
        moot(tx, _KIND, row["origin"])
        return row

    return act(project, who, name, write)


def settle(project: Project, check: Callable[[Transaction], None] = lambda tx: None) -> list[Row]:
    """Let defaults hold whose deadline has passed. ``check`` may refuse in the transaction."""
    store = project.store
    if not store.read(lambda reader: deciding.due(reader, reader.now)):
        return []

    def body(tx: Transaction) -> list[Row]:
        check(tx)
        return deciding.settle(tx, tx.now, actor=project.verifier)

    return store.write(body, durable=True)


def export(project: Project, folder: Path) -> list[Path]:
    """Write a page for every decision; the paths of all of them, those removed included.

    A page that no decision has any more (it was renumbered) is removed; files
    that are not ours are left alone.
    """
    pages = {f"{d['id']}.md": page(d) for d in project.store.read(copy_of)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        gone = [path for path in sorted(folder.glob("DEC-*.md")) if _left_over(path, pages)]
        for name, text in pages.items():
            _write(folder / name, text)
        for path in gone:
            path.unlink()
    except OSError as error:
        raise NotExported(f"{error.filename or folder}: {error.strerror}") from error
    return [*(folder / name for name in pages), *gone]


def _left_over(path: Path, pages: Mapping[str, str]) -> bool:
    if path.name in pages or not path.is_file():
        return False
    return path.read_text(errors="replace").startswith(MARK)


def _write(path: Path, text: str) -> None:
    """Beside and renamed; a page that is as it should be is left alone."""
    data = text.encode(errors="replace")
    if path.is_file() and path.read_bytes() == data:
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(data)
    beside.replace(path)


def commit(project: Project, paths: list[Path]) -> str | None:
    """Commit these files and nothing else, with hooks off; the commit, or None: no change.

    What else is staged stays staged. Raises ``NotExported``, ``GitError``.
    """
    root = project.repository.worktree.resolve()
    git, names = Git(root), [path.resolve() for path in paths]
    if outside := [name for name in names if not name.is_relative_to(root)]:
        raise NotExported(f"{outside[0]} is outside the repository {root}")
    tracked = set(git.lines("ls-files", "-z"))
    ours = {str(name.relative_to(root)) for name in names}
    ours = {name for name in ours if name in tracked or (root / name).exists()}
    if not ours:
        return None
    _on(git, ours, "add", "-A")
    changed = ours & set(git.lines("diff", "--cached", "--name-only", "-z"))
    if not changed:
        return None
    _on(git, changed, "commit", "-q", "--only", "-m", _subject(len(changed)))
    return git.commit("HEAD")


def _on(git: Git, names: set[str], *arguments: str) -> None:
    """Run a git command on exactly these files."""
    listed = "\0".join(sorted(names)).encode(errors="surrogateescape")
    from_stdin = ("--pathspec-from-file=-", "--pathspec-file-nul")
    git.run("--literal-pathspecs", *arguments, *from_stdin, stdin=listed, fallback=True)


def _subject(count: int) -> str:
    return f"decisions: {count} page{'s' if count != 1 else ''} written from the log"
