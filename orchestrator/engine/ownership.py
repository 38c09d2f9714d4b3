"""Whose files a change touches, by the ``file_patterns`` of the configuration. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.config.model import Config
from orchestrator.config.ownership import matches

__all__ = ["Ownership", "owners", "touched"]


@dataclass(frozen=True, slots=True)
class Ownership:
    """``foreign`` maps a changed path to its owner; ``unowned`` are free files."""

    foreign: dict[str, str]
    unowned: tuple[str, ...]


def owners(config: Config, path: str) -> list[str]:
    """The instances whose patterns match ``path``; the configuration allows at most one."""
    return [
        instance.id
        for instance in config.instances.values()
        if any(matches(pattern, path) for pattern in instance.file_patterns)
    ]


def touched(config: Config, producer: str, paths: Iterable[str]) -> Ownership:
    """Sort changed ``paths`` into foreign and unowned; the producer's own are neither."""
    foreign: dict[str, str] = {}
    unowned: list[str] = []
    for path in paths:
        found = owners(config, path)
        if not found:
            unowned.append(path)
        elif producer not in found:
            foreign[path] = found[0]
    return Ownership(foreign, tuple(unowned))
