"""A configuration about to be written: what is proposed, and why.

Plain values between ``scaffold.proposal``, which decides, and ``render``,
which writes YAML. Whatever has ``active`` false is written as a comment, with
``why`` beside it, so that its owner can switch it on.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "Draft",
    "DraftCheck",
    "DraftContract",
    "DraftInstance",
    "DraftLayer",
    "DraftPrepare",
]


@dataclass(frozen=True, slots=True)
class DraftCheck:
    """A command as a check. ``report`` is the format it writes to ``{report}``, or None."""

    name: str
    run: str
    report: str | None = None
    timeout: str = "5m"
    why: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class DraftLayer:
    """``paths`` are globs; ``absent`` are proposed ones that match nothing yet."""

    name: str
    about: str
    paths: tuple[str, ...]
    absent: tuple[str, ...] = ()
    kind: str | None = None
    depends_on: tuple[str, ...] = ()
    input: str | None = None
    output: str | None = None
    checks: tuple[DraftCheck, ...] = ()
    active: bool = True


@dataclass(frozen=True, slots=True)
class DraftInstance:
    """``patterns`` are what it alone changes; no two instances share a path."""

    id: str
    role: str
    specializations: tuple[str, ...]
    patterns: tuple[str, ...]
    absent: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    hands_off_to: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class DraftContract:
    """``path`` is repository-relative, ``samples`` a glob, ``package`` a Python package."""

    name: str
    kind: str
    path: str
    samples: str | None = None
    why: str = ""
    active: bool = True
    package: str | None = None


@dataclass(frozen=True, slots=True)
class DraftPrepare:
    """A command that makes a fresh checkout usable; ``keep`` survives between checkouts."""

    run: str
    when_changed: tuple[str, ...]
    keep: str | None = None
    why: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class Draft:
    """The whole proposal. ``prefix`` is ``""`` or ends in ``/``: where the folders are.

    ``found`` are sentences about the tree, for the head of the file.
    """

    project: str
    branch: str
    preset: str | None
    prefix: str
    layers: tuple[DraftLayer, ...]
    instances: tuple[DraftInstance, ...]
    integration_tests: tuple[DraftCheck, ...] = ()
    contracts: tuple[DraftContract, ...] = ()
    prepare: tuple[DraftPrepare, ...] = ()
    found: tuple[str, ...] = ()
