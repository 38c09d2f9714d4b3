"""A document of several files as one: what stands in another file is copied below a key."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from orchestrator.plugins.builtin.contracts.documents import Read, Unreadable, inside, loads
from orchestrator.plugins.builtin.contracts.documents import pointer as written
from orchestrator.plugins.spec import Json

__all__ = ["bundled", "origin"]

_KEY = "x-files"
_MOST = 200


def bundled(document: Json, path: str, read: Read) -> Json:
    """The document with every reference into another file of the repository made local.

    References to the network, and to files that are not there, stay as they
    are. Raises ``Unreadable`` for a file that is none.
    """
    if not isinstance(document, dict):
        return document
    files: dict[str, Json] = {}
    todo: list[str] = []

    def local(reference: str, here: str) -> str:
        file, _, fragment = unquote(reference).partition("#")
        target = inside(here, file) if file and "://" not in file else here
        if target is None or "://" in file:
            return reference
        if target == path:
            return f"#{fragment}"
        if target not in files:
            content = read(target)
            if content is None or len(files) >= _MOST:
                return reference
            try:
                files[target] = loads(content, target)
            except Unreadable as error:
                raise Unreadable(f"{target}: {error.message}", error.line) from error
            todo.append(target)
        return f"#{written(_KEY, target)}{fragment}"

    whole = _rewritten(document, path, local)
    done: dict[str, Json] = {}
    while todo:
        name = todo.pop()
        done[name] = _rewritten(files[name], name, local)
    return {**whole, _KEY: done} if done else whole


def origin(pointer: str, path: str) -> tuple[str, str]:
    """The file and the pointer in it of a place in a bundled document."""
    prefix = f"/{_KEY}/"
    if not pointer.startswith(prefix):
        return path, pointer
    name, slash, rest = pointer.removeprefix(prefix).partition("/")
    return name.replace("~1", "/").replace("~0", "~"), f"{slash}{rest}"


def _rewritten(value: Json, here: str, local: Callable[[str, str], str]) -> Json:
    if isinstance(value, list):
        return [_rewritten(part, here, local) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        key: local(part, here)
        if key == "$ref" and isinstance(part, str)
        else _rewritten(part, here, local)
        for key, part in value.items()
    }
