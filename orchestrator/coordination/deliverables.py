"""Paths that a task promises: rooted at the repository, never outside it.

``/docs/api.md`` and ``docs/api.md`` are the same; a folder ends with ``/``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from pathlib import Path

from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.git import Git

__all__ = ["BadPath", "DeliverablesMissing", "lacking_in_commit", "lacking_in_folder", "rooted"]


class BadPath(OrchestrateError):
    """This is no path inside the repository.

    Deliverables and files are written from the top of the repository
    (``docs/api.md``, or ``/docs/api.md``), with ``/``; a folder ends with
    ``/``. They never lead outside or into ``.git``.
    """

    code = "E376"


class DeliverablesMissing(OrchestrateError):
    """The task promises files that do not exist.

    Nothing was changed. Write and, for ``--ready``, commit them; then complete
    the task again.
    """

    code = "E375"
    exit_status = EXIT["failed"]


def rooted(text: str) -> str:
    """``text`` as a path from the top of the repository. Raises ``BadPath``."""
    if not text.strip() or any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise BadPath(f"{text!r} is no path")
    path = posixpath.normpath(text.lstrip("/") or ".")
    names = path.split("/")
    if path == "." or names[0] == "..":
        raise BadPath(f"{text!r} leads outside the repository")
    if names[0].casefold() == ".git":
        raise BadPath(f"{text!r} is git's own")
    if len(text.encode(errors="replace")) > 4096:
        raise BadPath(f"{text[:40]!r}… is longer than any path")
    return path + ("/" if text.endswith("/") else "")


def lacking_in_folder(top: Path, paths: Iterable[str]) -> list[str]:
    """The paths that do not exist below ``top``; a link that leads outside does not count."""
    return [path for path in paths if not _exists(top.resolve(), path)]


def _exists(top: Path, path: str) -> bool:
    try:
        place = (top / path).resolve()
    except (OSError, RuntimeError):
        return False
    if not place.is_relative_to(top):
        return False
    return place.is_dir() if path.endswith("/") else place.exists()


def lacking_in_commit(git: Git, commit: str, paths: Iterable[str]) -> list[str]:
    """The paths that ``commit`` does not have."""
    return [path for path in paths if not _committed(git, commit, path)]


def _committed(git: Git, commit: str, path: str) -> bool:
    done = git.run("cat-file", "-t", f"{commit}:{path.rstrip('/')}", check=False)
    kind = done.stdout.decode().strip()
    return kind == "tree" if path.endswith("/") else bool(kind)
