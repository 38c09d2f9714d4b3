"""Which versions of a contract are compared, and in which direction.

*Shrank*: the new version must admit what the old one did. *Grew*: the old one
must admit what the new one does. The table is explained in
``docs/reference/checks-contracts.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.plugins.builtin.contracts.documents import Read, at_base, in_checkout
from orchestrator.plugins.spec import CheckContext, Json

__all__ = ["MUST_NOT_GROW", "MUST_NOT_SHRINK", "Version", "Versions", "demands", "versions"]

MUST_NOT_SHRINK, MUST_NOT_GROW = "must-not-shrink", "must-not-grow"

_BACKWARD = {"output": (MUST_NOT_GROW,)}
_TRANSITIVE = "-transitive"


def demands(compatibility: str, direction: str) -> tuple[str, ...]:
    """What a new version of a contract must keep to."""
    mode = compatibility.removesuffix(_TRANSITIVE)
    if mode == "backward":
        return _BACKWARD.get(direction, (MUST_NOT_SHRINK,))
    return {"forward": (MUST_NOT_GROW,), "full": (MUST_NOT_SHRINK, MUST_NOT_GROW)}.get(mode, ())


@dataclass(frozen=True, slots=True)
class Version:
    """An earlier version: what it is called, its path, its content and its neighbours."""

    label: str
    path: str
    content: bytes
    read: Read


@dataclass(frozen=True, slots=True)
class Versions:
    """The candidate's content (None: absent) and the earlier versions to compare it with.

    ``known_base`` is False where there is no base at all; ``at_base`` tells
    whether the file was there. ``trouble`` says why versions cannot be read.
    """

    candidate: bytes | None
    here: Read
    earlier: tuple[Version, ...] = ()
    known_base: bool = False
    trouble: str = ""

    @property
    def at_base(self) -> bool:
        return any(version.label == "base" for version in self.earlier)


def versions(contract: Mapping[str, Json], context: CheckContext) -> Versions:
    """Read the candidate's version and those of before; history is the base's, not the author's."""
    here = in_checkout(context.checkout)
    candidate = here(contract["path"])
    read = here
    earlier: list[Version] = []
    if context.base is not None:
        if not _exists(context):
            return Versions(candidate, here, trouble=f"the base {context.base} is not here")
        read = at_base(context.checkout, context.base)
        content = read(contract["path"])
        if content is not None:
            earlier.append(Version("base", contract["path"], content, read))
    if contract["compatibility"].endswith(_TRANSITIVE):
        if not contract.get("history"):
            trouble = f"compatibility {contract['compatibility']} needs the folder of kept versions"
            return Versions(candidate, here, tuple(earlier), trouble=f"{trouble}: history")
        earlier += _kept(contract["history"], context, read)
    return Versions(candidate, here, tuple(earlier), context.base is not None)


def _exists(context: CheckContext) -> bool:
    from orchestrator.git import Git

    return Git(Path(context.checkout)).commit(str(context.base)) is not None


def _kept(folder: str, context: CheckContext, read: Read) -> list[Version]:
    """The kept versions, sorted by name."""
    found = []
    for path in sorted(_files(folder, context)):
        content = read(path)
        if content is not None:
            found.append(Version(path, path, content, read))
    return found


def _files(folder: str, context: CheckContext) -> list[str]:
    from orchestrator.git import Git

    if context.base is not None:
        names = ("ls-tree", "-r", "-z", "--name-only", context.base, "--", f"{folder.rstrip('/')}/")
        return Git(Path(context.checkout)).lines(*names)
    root = Path(context.checkout)
    found = (root / folder).rglob("*")
    return [path.relative_to(root).as_posix() for path in found if path.is_file()]
