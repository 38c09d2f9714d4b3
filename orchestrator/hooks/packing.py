"""Makes a Claude Code plugin, with a marketplace file, out of this installation.

One folder that is both: a marketplace to add, and a plugin to load with
``--plugin-dir``. It names this interpreter and this package by absolute path,
so its version carries a digest of them: a client that has a copy sees that it
is another.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestrateError
from orchestrator.hooks.clients import CLIENTS
from orchestrator.hooks.entering import Done, server, text_of
from orchestrator.hooks.settings import SERVER, enter
from orchestrator.scaffold.rewrite import rewrite

__all__ = ["FULL_NAME", "ForeignFolder", "pack"]

_NAME = "orchestrate"
#: The plugin with its marketplace, as the client's commands want it.
FULL_NAME = f"{_NAME}@{_NAME}"
_MANIFEST = ".claude-plugin/plugin.json"
_ABOUT = "Keeps several AI coding instances apart that work on one repository at once."


class ForeignFolder(OrchestrateError):
    """The folder for the plugin holds something else.

    The plugin is written into a folder of its own, which is rewritten the next
    time. Name a new folder, or the one of an earlier ``init --plugin``.
    """

    code = "E734"


def pack(folder: Path, *, dry_run: bool = False) -> list[Done]:
    """Write the plugin into ``folder``; an earlier edition of it is brought up to date.

    Raises ``ForeignFolder`` and ``CannotRewrite``; then nothing was written.
    """
    if folder.exists() and not _ours(folder):
        raise ForeignFolder(f"{folder} holds something that is not this plugin")
    files = dict(_files())
    paths = [(folder / name, name, text) for name, text in files.items()]
    for path, name, text in paths:
        rewrite(path, partial(_always, new=text), name, dry_run=True)
    changes = [
        (rewrite(path, partial(_always, new=text), name, dry_run=dry_run), name)
        for path, name, text in paths
    ]
    return [Done(change.verb, name, "") for change, name in changes]


def _always(_: str, new: str) -> str:
    return new


def _ours(folder: Path) -> bool:
    """An empty folder, or an earlier edition."""
    if not folder.is_dir():
        return False
    try:
        manifest = json.loads(text_of(folder / _MANIFEST) or "{}")
    except ValueError:
        return False
    named = isinstance(manifest, dict) and manifest.get("name") == _NAME
    return named or not any(folder.iterdir())


def _files() -> Iterator[tuple[str, str]]:
    """Every file of the plugin, the manifest last: with it the plugin is complete."""
    made = {
        "hooks/hooks.json": _hooks(),
        ".mcp.json": _dump({"mcpServers": {SERVER: server(CLIENTS["claude-code"])}}),
        ".claude-plugin/marketplace.json": _dump(_marketplace()),
        **dict(_shipped(resources.files("orchestrator").joinpath("hooks", "plugin"), "")),
    }
    digest = hashlib.sha256("\0".join(made.values()).encode()).hexdigest()[:8]
    yield from made.items()
    yield _MANIFEST, _dump(_manifest(digest))


def _shipped(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    """The files that are the same for everybody but for the command's place."""
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.is_dir():
            yield from _shipped(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry.read_text("utf-8").replace("{orchestrate}", _command())


def _command() -> str:
    """How a shell starts the command line, wherever it is."""
    beside = Path(sys.executable).with_name("orchestrate")
    found = str(beside) if beside.is_file() else shutil.which("orchestrate")
    return found or f"{sys.executable} -m orchestrator"


def _hooks() -> str:
    client = CLIENTS["claude-code"]
    text = enter("", client.hooks, client.write, "hooks.json", grouped=True)
    return _dump({"description": _ABOUT, **json.loads(text)})


def _author() -> dict[str, str]:
    return {"name": "orchestrate"}


def _manifest(digest: str) -> dict[str, Any]:
    return {
        "name": _NAME,
        "version": f"{metadata.version('handoff-orchestrator')}+{digest}",
        "description": _ABOUT,
        "author": _author(),
        "license": "MIT",
        "keywords": ["coordination", "handoff", "leases", "verification", "worktrees"],
    }


def _marketplace() -> dict[str, Any]:
    return {
        "name": _NAME,
        "owner": _author(),
        "description": "orchestrate, as it is installed on this machine.",
        "plugins": [{"name": _NAME, "source": "./", "description": _ABOUT}],
    }


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
