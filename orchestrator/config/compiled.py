"""The configuration as it is compiled into the store, and read back without YAML.

Hooks run in an interpreter that has no library at all, a few milliseconds at a
time: they read who owns what from the table ``owned``, found by equality of
folders, and the coordination part of the configuration from ``meta``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator import __version__
from orchestrator.config.model import (
    Approval,
    Config,
    Coordinator,
    Hooks,
    Instance,
    Status,
    Views,
)

__all__ = ["KINDS", "NAMES", "config", "meta", "owned"]

#: How a pattern of ``owned`` is matched: by equality of the file or of a folder above it, or
#: (``glob``) by the whole pattern.
KINDS = ("file", "folder", "glob")
#: The rows of ``meta`` that ``config`` needs.
NAMES = ("config", "config_source")
_WILD = frozenset("*?[")


def meta(config: Config) -> dict[str, str]:
    """The rows of ``meta`` that say whether what is compiled still is what is in force."""
    return {
        "config_digest": config.digest,
        "compiled_by": __version__,
        "config_source": config.source,
        "ownership": config.approval.ownership,
        "hooks": f"{config.hooks.release} {config.hooks.on_failure}",
        "libraries": _libraries(),
    }


def _libraries() -> str:
    """Where this interpreter has its libraries: hooks start without them and rarely need one."""
    found = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    return json.dumps(found)


def owned(config: Config) -> Iterator[dict[str, Any]]:
    """The rows of ``owned``: one a pattern of ``file_patterns``."""
    seen = set()
    for instance in config.instances.values():
        for pattern in instance.file_patterns:
            prefix, kind = _sorted(pattern)
            key = (prefix, pattern, instance.id)
            if key not in seen:
                seen.add(key)
                yield {"prefix": prefix, "pattern": pattern, "instance": instance.id, "kind": kind}


def _sorted(pattern: str) -> tuple[str, str]:
    """The literal folder (or file) a pattern begins with, and its kind."""
    names = [name for name in pattern.split("/") if name not in ("", ".")]
    if pattern.endswith("/"):
        names.append("**")
    wild = [place for place, name in enumerate(names) if not _WILD.isdisjoint(name)]
    if not wild:
        return "/".join(names), "file"
    prefix = "/".join(names[: wild[0]])
    return prefix, "folder" if names[wild[0] :] == ["**"] else "glob"


def config(rows: Mapping[str, str]) -> Config | None:
    """The coordination part of what ``meta`` holds, or None where nothing was compiled."""
    if not set(NAMES) <= set(rows):
        return None
    data = json.loads(rows["config"])
    instances = {name: Instance(**_frozen(one)) for name, one in data["instances"].items()}
    return Config(
        project=data["project"],
        layers={},
        coordinator=Coordinator(**data["coordinator"]),
        instances=instances,
        approval=Approval(**_frozen(data["approval"])),
        status=Status(Views(**data["status"]["views"])),
        hooks=Hooks(**data.get("hooks", {})),
        source=rows["config_source"],
    )


def _frozen(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in data.items()}
