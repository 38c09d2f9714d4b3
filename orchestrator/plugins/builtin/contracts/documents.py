"""Reads the files contracts are made of: JSON or YAML, of the candidate or of another revision.

What is read becomes plain JSON values with string keys, within limits. Nothing
here knows what a schema means, and nothing outside the repository is read.
"""

from __future__ import annotations

import json
import math
import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from orchestrator.plugins.spec import Json

__all__ = [
    "Read",
    "Unreadable",
    "at_base",
    "decoded",
    "in_checkout",
    "inside",
    "line_of",
    "loads",
    "pointer",
]

#: Reads a repository-relative path: the file's content, or None where it is not there.
Read = Callable[[str], bytes | None]

_MAX_BYTES = 16 << 20
_MAX_NODES = 500_000
_MAX_DEPTH = 200


class Unreadable(ValueError):
    """A file is not the JSON or YAML it should be; ``line`` where that shows."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True, slots=True)
class _Counter:
    """Counts the nodes of one document: aliases of YAML can unfold without end."""

    nodes: list[None]

    def step(self, depth: int) -> None:
        self.nodes.append(None)
        if len(self.nodes) > _MAX_NODES:
            raise Unreadable(f"it has more than {_MAX_NODES} values")
        if depth > _MAX_DEPTH:
            raise Unreadable(f"it is nested deeper than {_MAX_DEPTH} levels")


def in_checkout(folder: str | Path) -> Read:
    """Reads files below ``folder``; links that lead out of it read as absent."""
    root = Path(folder).resolve()

    def read(path: str) -> bytes | None:
        place = (root / path).resolve()
        if not place.is_relative_to(root) or not place.is_file():
            return None
        return place.read_bytes()

    return read


def at_base(folder: str | Path, commit: str) -> Read:
    """Reads files as they are at ``commit`` of the repository around ``folder``."""
    from orchestrator.git import Git

    git = Git(Path(folder))
    return lambda path: git.show(commit, path)


def inside(path: str, relative: str) -> str | None:
    """``relative`` seen from the file ``path``, or None where it leaves the repository."""
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), relative))
    return None if joined.startswith(("../", "/")) or joined == ".." else joined


def loads(content: bytes, path: str) -> Json:
    """The document in a file, by the ending of its name; raises ``Unreadable``."""
    if len(content) > _MAX_BYTES:
        raise Unreadable(f"it is larger than {_MAX_BYTES >> 20} MiB")
    text = decoded(content)
    try:
        raw = _yaml(text) if path.endswith((".yaml", ".yml")) else _json(text)
        return _plain(raw, _Counter([]), 0)
    except RecursionError as error:
        raise Unreadable("it is nested too deeply") from error


def decoded(content: bytes) -> str:
    """The text of a file; raises ``Unreadable`` with the line where it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"it is not UTF-8 text ({error.reason} at byte {error.start})"
        raise Unreadable(message, content.count(b"\n", 0, error.start) + 1) from error


def pointer(*parts: str | int) -> str:
    """A JSON pointer (``/paths/~1users``) to the value these keys lead to."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def line_of(content: bytes | None, place: str) -> int | None:
    """The line (from 1) of the value a JSON pointer leads to, or of the nearest around it."""
    node = _composed(content) if content is not None and len(content) <= 1 << 20 else None
    if node is None:
        return None
    line = node.start_mark.line + 1
    for part in place.split("/")[1:]:
        found = next(_children(node, part.replace("~1", "/").replace("~0", "~")), None)
        if found is None:
            break
        line, node = found
    return int(line)


@lru_cache(maxsize=4)
def _composed(content: bytes) -> Json:
    """The nodes of a document with their places, or None; JSON is near enough to YAML."""
    import yaml

    try:
        return yaml.compose(content.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return None


def _children(node: Json, part: str) -> Iterator[tuple[int, Json]]:
    """The line and node of a child. ``Json`` because nodes of PyYAML have no common type."""
    if node.id == "mapping":
        for key, value in node.value:
            if key.value == part:
                yield key.start_mark.line + 1, value
    elif node.id == "sequence" and part.isdigit() and int(part) < len(node.value):
        value = node.value[int(part)]
        yield value.start_mark.line + 1, value


def _json(text: str) -> Json:
    def refuse(name: str) -> Json:
        raise Unreadable(f"{name} is no JSON value")

    def unique(pairs: list[tuple[str, Json]]) -> Json:
        made = dict(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            raise Unreadable(_twice(next(name for name in names if names.count(name) > 1)))
        return made

    try:
        return json.loads(text, parse_constant=refuse, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise Unreadable(f"it is not JSON: {error.msg}", error.lineno) from error
    except ValueError as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"it is not JSON: {error}") from error


def _yaml(text: str) -> Json:
    import yaml

    class Loader(yaml.SafeLoader):
        """Dates stay text: JSON has none. Of two values of a key none would be silently lost."""

        def construct_mapping(self, node: Json, deep: bool = False) -> dict[Json, Json]:
            seen: set[str] = set()
            # Merge keys (<<) may repeat some: those are looked at before they are merged in.
            for key in (key for key, _ in node.value if not key.tag.endswith(":merge")):
                name = _key(self.construct_object(key, deep=True))
                if name in seen:
                    raise Unreadable(_twice(name), key.start_mark.line + 1)
                seen.add(name)
            return super().construct_mapping(node, deep)

    Loader.yaml_implicit_resolvers = {
        first: [(tag, rule) for tag, rule in rules if not tag.endswith(":timestamp")]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        return yaml.load(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise Unreadable(f"it is not YAML: {error.problem}", line) from error
    except Unreadable:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise Unreadable(f"it is not YAML: {error}") from error


def _twice(name: str) -> str:
    return f"the key {name} is there twice, and only one of both values counts"


def _plain(value: object, counter: _Counter, depth: int) -> Json:
    """The value with string keys and JSON's types alone."""
    counter.step(depth)
    if isinstance(value, Mapping):
        return {_key(k): _plain(v, counter, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(item, counter, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise Unreadable(f"{value} is no JSON value")
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise Unreadable(f"a value of type {type(value).__name__} is no JSON value")


def _key(key: object) -> str:
    """YAML reads ``200:`` as a number and ``on:`` as true; JSON's keys are strings."""
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key)
