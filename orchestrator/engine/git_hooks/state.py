"""How our hooks in git stand: there, renewed, replaced by others, passed by. Reads only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine.git_hooks.places import KEPT, MARK, Place, place, text
from orchestrator.git import Repository

__all__ = ["HookState", "State", "is_ours", "legacy", "state"]


@dataclass(frozen=True, slots=True)
class HookState:
    """``state``: ok, missing, stale (not as this version writes it), replaced by another one.

    ``then`` is the hook that runs after ours, or None.
    """

    name: str
    file: str
    state: str
    then: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """All of them. ``installed``: at least one is there and git looks where it is."""

    place: Place
    hooks: tuple[HookState, ...]

    @property
    def installed(self) -> bool:
        return self.place.active and any(hook.state in ("ok", "stale") for hook in self.hooks)

    @property
    def broken(self) -> tuple[HookState, ...]:
        return tuple(hook for hook in self.hooks if hook.state != "ok")

    @property
    def overridden(self) -> bool:
        """They are there, and git looks elsewhere."""
        there = any(hook.state in ("ok", "stale") for hook in self.hooks)
        return there and not self.place.active


def state(repository: Repository) -> State:
    """Look at every hook, as git in this worktree would."""
    where = place(repository)
    usual = Place(repository.common / "hooks", None, None, None, where.beside)
    hooks = [_one(where, name) for name in where.names]
    if not where.active and all(hook.state == "missing" for hook in hooks):
        # Installed before core.hooksPath was set: they are where git does not look.
        hooks = [_one(usual, name) for name in usual.names]
    return State(where, tuple(hooks))


def _one(where: Place, name: str) -> HookState:
    file = where.folder / name
    through = legacy(file)
    mine = file if through is None else through
    kept = mine.with_name(name + KEPT) if where.beside else Path(f"{where.previous}/{name}")
    then = str(kept) if os.access(kept, os.X_OK) else None
    if not mine.exists():
        return HookState(name, str(mine), "missing", then)
    if not is_ours(mine):
        return HookState(name, str(mine), "replaced", then)
    right = mine.read_text(errors="replace") == text(where, name) and os.access(mine, os.X_OK)
    return HookState(name, str(mine), "ok" if right else "stale", then)


def is_ours(file: Path) -> bool:
    """Whether one of our versions wrote this hook."""
    try:
        with file.open("rb") as content:
            return MARK.encode() in content.read(400)
    except OSError:
        return False


def legacy(file: Path) -> Path | None:
    """Our hook where the pre-commit framework put it aside, and runs it first; else None."""
    aside = file.with_name(f"{file.name}.legacy")
    return aside if not is_ours(file) and is_ours(aside) else None
