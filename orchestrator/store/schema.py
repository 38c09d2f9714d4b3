"""The version of the tables: how a new store is made and an older one brought forward.

Gives statements, runs nothing. A store of a newer version is refused: its
tables are unknown here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchestrator.store.errors import Corrupt, NewerStore

__all__ = ["FOLDER", "SCHEMA", "VERSION", "create", "forward"]

#: The version ``schema.sql`` describes.
VERSION = 1
#: The row of ``meta`` that holds a store's version.
SCHEMA = "schema"
FOLDER = Path(__file__).parent


def create(types: Mapping[str, str], folder: Path = FOLDER) -> list[str]:
    """The statements that make the tables of a new store."""
    return _statements(folder / "schema.sql", types)


def forward(
    found: str, types: Mapping[str, str], *, folder: Path = FOLDER, version: int = VERSION
) -> list[str]:
    """The statements that bring a store of version ``found`` to ``version``.

    Raises ``NewerStore``, or ``Corrupt`` when ``found`` is no version at all.
    """
    if not found.isdigit() or int(found) < 1:
        raise Corrupt(f"the store says its version is {found!r}", hint="orchestrate doctor --fix")
    if int(found) > version:
        raise NewerStore(
            f"the store has version {found}, this program knows {version}",
            hint="use the newer orchestrate here too",
        )
    steps = sorted((folder / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))
    due = [step for step in steps if int(found) < int(step.name[:4]) <= version]
    return [statement for step in due for statement in _statements(step, types)]


def _statements(path: Path, types: Mapping[str, str]) -> list[str]:
    """The statements of a file, without comments, the types filled in."""
    lines = path.read_text().splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("--"))
    for name, value in types.items():
        text = text.replace(f"{{{name}}}", value)
    return [statement.strip() for statement in text.split(";\n") if statement.strip(" ;\n")]
