"""Loads the configuration: from text, a file, a commit, or whatever is in force.

Everything that is wrong is reported at once, as ``InvalidConfig``. Reads
files and commits, changes nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.config.memory import Memory
from orchestrator.config.model import Config, Coordinator
from orchestrator.config.problems import InvalidConfig, MissingConfig, Problem
from orchestrator.errors import OrchestrateError
from orchestrator.git import Git, NotARepository, Repository, find
from orchestrator.plugins.json_values import Json

if TYPE_CHECKING:
    from orchestrator.config.yaml_reader import Node

__all__ = [
    "PLACES",
    "VARIABLE",
    "InForce",
    "at",
    "effective",
    "in_force",
    "load",
    "load_text",
    "locate",
    "named",
]

#: Where the configuration is looked for, relative to the top of a worktree.
PLACES = ("config/orchestrate.yaml", ".orchestrate/config/orchestrate.yaml")
#: Names another file, relative to the top of the worktree or absolute.
VARIABLE = "ORCHESTRATE_CONFIG"


@dataclass(frozen=True, slots=True)
class InForce:
    """A configuration and, in words, where it was found: ``branch main, commit 1a2b3c4``."""

    config: Config
    origin: str


def load_text(text: str | bytes, *, source: str, root: Path | None = None) -> Config:
    """The configuration in ``text``. Raises ``InvalidConfig`` with everything that is wrong.

    ``source`` is what the text is called in messages. ``root`` is the top of
    the repository, in which the plugins must exist; None leaves that open.
    """
    return _load(text, source, root)


def load(path: Path) -> Config:
    """The configuration in a file. Raises ``InvalidConfig``."""
    root = _root(path)
    absolute = path.absolute()
    inside = absolute.is_relative_to(root)
    source = absolute.relative_to(root).as_posix() if inside else str(path)
    return _load(_content(path, source), source, root)


def locate(worktree: Path) -> Path | None:
    """The configuration file of a worktree, or None. ``ORCHESTRATE_CONFIG`` decides if set."""
    name = os.environ.get(VARIABLE)
    if name:
        return Path(os.path.normpath(worktree / name))
    return next((worktree / place for place in PLACES if (worktree / place).is_file()), None)


def named(repository: Repository) -> str | None:
    """The file ``ORCHESTRATE_CONFIG`` names, or None: its path in the repository, or absolute."""
    name = os.environ.get(VARIABLE)
    if not name:
        return None
    path = Path(os.path.normpath(repository.worktree / name))
    for folder in (repository.worktree, repository.main):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return str(path)


def at(
    git: Git, commit: str, source: str | None = None, memory: Memory | None = None
) -> Config | None:
    """The configuration as it is in a commit, or None where the commit has none.

    ``source`` is its path there; default: the first of the usual places.
    ``memory`` knows what needs no look. Raises ``InvalidConfig``.
    """
    for place in (source,) if source else PLACES:
        content = git.show(commit, place)
        if content is not None:
            return _load(content, place, None, at=f"commit {commit[:10]}", memory=memory)
    return None


def in_force(repository: Repository) -> Config:
    """The configuration that decides here. Raises ``MissingConfig`` or ``InvalidConfig``.

    The integration branch's, so that nobody changes the rules before that
    change itself was verified and landed; without one, the main worktree's;
    without that either, this worktree's.
    """
    return effective(repository).config


def effective(repository: Repository) -> InForce:
    """Like ``in_force``, with where it was found."""
    near = _nearest(repository)
    if near is not None and not near.path.is_relative_to(near.folder):
        # A file outside the repository is nobody's to verify: whoever names it decides.
        return InForce(load(near.path), f"{near.path}, named in {VARIABLE}")
    found = _on_branch(repository, near)
    if found is not None:
        return found
    if near is None:
        message = f"{repository.main} has no {PLACES[0]}"
        raise MissingConfig(message, hint="write one: orchestrate init")
    origin = f"{near.words}, not committed on the integration branch"
    return InForce(load(near.path), origin)


@dataclass(frozen=True, slots=True)
class _Near:
    """The configuration file of a worktree; ``words`` say which worktree."""

    path: Path
    folder: Path
    words: str


def _nearest(repository: Repository) -> _Near | None:
    """The main worktree's file, else this worktree's."""
    places = ((repository.main, "the main worktree"), (repository.worktree, "this worktree"))
    for folder, words in places:
        path = locate(folder)
        if path is not None:
            return _Near(path, folder, words)
    return None


def _on_branch(repository: Repository, near: _Near | None) -> InForce | None:
    """What the integration branch has.

    Its name is read from the main worktree's file. Where that is absent, the
    usual branch comes before any that the file of this worktree names: an
    author must not choose whose rules apply.
    """
    names = [] if near and near.folder == repository.main else [Coordinator().integration_branch]
    names += [_branch(near.path)] if near else []
    git, memory = Git(repository.main), Memory.of(repository.state)
    chosen = near is not None and bool(os.environ.get(VARIABLE))
    source = near.path.relative_to(near.folder).as_posix() if near and chosen else None
    for name in dict.fromkeys(names):
        commit = git.commit(f"refs/heads/{name}")
        config = at(git, commit, source, memory) if commit else None
        if commit and config:
            return InForce(config, f"branch {name}, commit {commit[:10]}")
    return None


def _branch(path: Path) -> str:
    """The name of the integration branch a file gives, however wrong the rest of it is."""
    from orchestrator.config.yaml_reader import read

    try:
        root = read(_content(path, str(path))).root
    except OrchestrateError:
        root = None
    name = root.at(("coordinator", "integration_branch")).value if root else None
    return name if isinstance(name, str) and name else Coordinator().integration_branch


def _root(path: Path) -> Path:
    """The top of the repository a file is in; outside git, the folder its ``config/`` is in."""
    folder = path.absolute().parent
    try:
        return find(folder).worktree
    except NotARepository:
        return folder.parent if folder.name == "config" else folder


def _content(path: Path, source: str) -> bytes:
    """A file's bytes, no more than can be a configuration."""
    from orchestrator.config.yaml_text import MAX_BYTES

    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except IsADirectoryError as error:
        raise _unreadable(source, "it is a folder", "name the file in it") from error
    except FileNotFoundError as error:
        raise _unreadable(source, "there is no such file", "write one: orchestrate init") from error
    except OSError as error:
        raise _unreadable(source, f"it cannot be read: {error.strerror}", None) from error


def _unreadable(source: str, message: str, hint: str | None) -> InvalidConfig:
    return InvalidConfig(source, [Problem("E101", (), message, hint)])


def _load(
    content: str | bytes,
    source: str,
    root: Path | None,
    *,
    at: str | None = None,
    memory: Memory | None = None,
) -> Config:
    """Load, or say everything that is wrong. ``memory`` knows what has no fault, without files."""
    from orchestrator.config.build import build

    bytes_ = content.encode(errors="replace") if isinstance(content, str) else content
    data = memory.recall(bytes_) if memory is not None else None
    if data is None:
        data = _looked_at(content, source, root, at)
        if memory is not None:
            memory.add(bytes_, data)
    return build(data, source)


def _looked_at(content: str | bytes, source: str, root: Path | None, at: str | None) -> Json:
    """The data in ``content``, in which there is no fault. Raises ``InvalidConfig``."""
    from orchestrator.config.yaml_reader import read

    document = read(content)
    problems = list(document.problems)
    if document.root is not None:
        misread = {problem.path for problem in problems}
        problems += [fault for fault in _faults(document.root, root) if fault.path not in misread]
    if problems or document.root is None:
        raise InvalidConfig(source, problems, at=at)
    return document.root.value


def _faults(node: Node, root: Path | None) -> list[Problem]:
    """Everything the schema and the meaning find fault with, each once."""
    from orchestrator.config.meaning import contradictions
    from orchestrator.config.rules import broken_rules
    from orchestrator.config.schema import misfits
    from orchestrator.config.view import View

    found = [*misfits(node), *contradictions(node, root)]
    seen = {problem.path for problem in found}
    found += (problem for problem in broken_rules(View(node)) if problem.path not in seen)
    return list(dict.fromkeys(found))
