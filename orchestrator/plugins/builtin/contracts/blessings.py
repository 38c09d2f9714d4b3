"""Accepted breaks: which version of a contract somebody other than its author blessed.

Kept as a file of the repository and read from the base, so that it is versioned,
counts in CI, and cannot be given by the author in the same breath. A blessed
version is a new start: what was before it is not compared with any more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import PurePosixPath

from orchestrator.plugins.spec import Json

__all__ = ["Blessing", "place", "read", "written"]


@dataclass(frozen=True, slots=True)
class Blessing:
    """One accepted version: its identity, who accepted whose change, when and why.

    ``after`` is the version that was there before, empty where none was: the
    break of that one is accepted, not of any that may come later.
    """

    version: str
    after: str
    reason: str
    by: str
    author: str
    at: str


def place(config: Mapping[str, Json], name: str) -> str:
    """The file with the blessings of contract ``name``, beside the baselines."""
    project = PurePosixPath(config.get("source") or "config/orchestrate.yaml").parent.parent
    return str(project / "verification" / "baselines" / "contracts" / f"{name}.json")


def read(content: bytes | None) -> dict[str, Blessing]:
    """Version → blessing; raises ``ValueError`` for a file that is none of ours."""
    if content is None:
        return {}
    known = {field.name for field in fields(Blessing)}
    try:
        entries = json.loads(content)["blessed"]
        found = [Blessing(**{k: str(entry[k]) for k in known}) for entry in entries]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"this is no file of blessings: {error}") from error
    return {blessing.version: blessing for blessing in found}


def written(name: str, blessings: Mapping[str, Blessing]) -> str:
    """The file's text."""
    entries = [asdict(blessing) for blessing in blessings.values()]
    return json.dumps({"contract": name, "blessed": entries}, indent=2, ensure_ascii=False) + "\n"
