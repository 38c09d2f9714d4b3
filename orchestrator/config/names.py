"""Names: for checks that were given none, the first telling word of their command. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from orchestrator.plugins.json_values import Json

__all__ = ["check_names", "contracts_named"]

#: Words of a command that say how it is started, not what it does.
_STARTERS = {
    "python", "python3", "uv", "poetry", "pdm", "hatch", "pipx", "npx", "npm", "pnpm", "yarn",
    "bun", "bunx", "run", "exec", "env", "sh", "bash", "nice", "time", "sudo", "node",
}  # fmt: skip
#: Steps of a command that only get ready for the next.
_ELSEWHERE = (["cd"], ["export"], ["set"])
_NUMBERED = re.compile(r"(python|node)[0-9.]+")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*")


def check_names(checks: Sequence[Mapping[str, Json]]) -> tuple[str, ...]:
    """A name for each check, unique among them: its own, or one made from what it does."""
    taken = {check["name"] for check in checks if "name" in check}
    names: list[str] = []
    for check in checks:
        name = check.get("name") or _free(_proposed(check), taken)
        taken.add(name)
        names.append(name)
    return tuple(names)


def contracts_named(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """The contracts a layer's ``input`` or ``output`` names: none, one, or several."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _proposed(check: Mapping[str, Json]) -> str:
    if "run" in check:
        return _from_command(check["run"])
    return "imports" if "imports" in check else str(check["uses"])


def _from_command(command: str) -> str:
    """``python -m pytest -q`` → ``pytest``; ``uv run ruff check .`` → ``ruff``."""
    steps = [step.split() for step in re.split(r"&&|;|\n", command)]
    for word in (word for step in steps if step[:1] not in _ELSEWHERE for word in step):
        if word.startswith("-") or word in _STARTERS or _NUMBERED.fullmatch(word):
            continue
        if _ASSIGNMENT.fullmatch(word):
            continue
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", word.rsplit("/", 1)[-1])
        name = re.sub(r"\.(py|sh|js|ts|mjs|rb)$", "", name).strip("-._")[:56]
        if name:
            return name
    return "command"


def _free(name: str, taken: set[str]) -> str:
    """``name``, or ``name-2``, ``name-3``… when it is taken."""
    if name not in taken:
        return name
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"
