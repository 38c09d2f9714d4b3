"""The JSON Schema of the configuration, and what it finds, in words.

The schema decides about shape: types, keys, bounds. What refers to what is
``meaning``'s business.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

from orchestrator.config.problems import Path, Problem, known, quoted, suggest
from orchestrator.config.yaml_reader import Node

__all__ = ["misfits", "schema", "schema_text"]

#: What values of a shared definition have to be: code, words, hint.
_EXPECTED: dict[str, tuple[str, str, str | None]] = {
    "name": (
        "E113",
        "a name",
        "letters, digits, '.', '_' and '-', beginning with a letter or digit, at most 64",
    ),
    "text": ("E106", "one line of text", None),
    "command": ("E106", "a command", None),
    "duration": (
        "E106",
        "a length of time, more than 0",
        "write 250ms, 30s, 5m, 1h, 1d, or a number of seconds",
    ),
    "share": ("E106", "a share from 0% to 100%", "write 5%, or a fraction such as 0.05"),
    "path": (
        "E112",
        "a path inside the repository",
        "paths are relative to the top of the repository, without '..'",
    ),
    "pattern": (
        "E112",
        "a path pattern inside the repository",
        "patterns are relative to the top of the repository, without '..'",
    ),
    "place": ("E106", "a folder", None),
    "branch": ("E106", "the name of a branch", None),
    "variable": ("E106", "the name of an environment variable", "letters, digits and '_'"),
    "rule": ("E106", "a rule", "a rule is one CEL expression of at most 1,000 characters"),
    "always": ("E106", "a rule", 'write "RULE", or {when: "RULE", enforce: false}'),
}

_TYPES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "null",
}


@lru_cache(maxsize=1)
def schema_text() -> str:
    """The schema as it ships, for editors."""
    return FilePath(__file__).with_name("schema.json").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The schema as data. Not to be changed."""
    value: dict[str, Any] = json.loads(schema_text())
    return value


@lru_cache(maxsize=1)
def _validator() -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(schema())


def misfits(root: Node) -> Iterator[Problem]:
    """Everything in which the data does not have the shape of a configuration."""
    errors = list(_validator().iter_errors(root.value))
    misspelt = {
        (*error.instance_path, unknown)
        for error in errors
        if error.kind.name == "additionalProperties"
        for unknown in error.kind.unexpected
    }
    for error in errors:
        yield from _problems(error, root, misspelt)


def _problems(error: Any, root: Node, misspelt: set[Path]) -> Iterator[Problem]:
    path, where, kind = tuple(error.instance_path), list(error.schema_path), error.kind
    if kind.name == "additionalProperties":
        words = list(_definition(where[:-1])["properties"])
        for key in kind.unexpected:
            yield _unknown_key((*path, key), root, words)
    elif kind.name == "required":
        near = [key for key in _siblings(path, misspelt) if _meant(key, kind.property)]
        if not near:
            yield _missing(path, root, kind.property)
    elif kind.name == "propertyNames":
        key = str(kind.error.instance)
        yield _bad_name((*path, key), root, key)
    else:
        yield _bad_value(path, root, where, kind)


def _siblings(path: Path, misspelt: set[Path]) -> list[str]:
    return [str(other[-1]) for other in misspelt if other[:-1] == path]


def _meant(written: str, key: str) -> bool:
    return suggest(written, [key]) is not None


def _unknown_key(path: Path, root: Node, words: list[str]) -> Problem:
    present = root.at(path[:-1]).keys
    key = str(path[-1])
    near = suggest(key, [word for word in words if word not in present]) or suggest(key, words)
    hint = near or f"known here: {', '.join(words)}"
    return Problem("E104", path, f"key {quoted(key)} is not known", hint, *root.key_place(path))


def _missing(path: Path, root: Node, key: str) -> Problem:
    around = root.at(path)
    hint = "orchestrate init writes a whole file" if not path else None
    return Problem("E105", path, f'key "{key}" is missing', hint, around.line, around.column)


def _bad_name(path: Path, root: Node, key: str) -> Problem:
    _, _, hint = _EXPECTED["name"]
    return Problem("E113", path, f"{quoted(key)} cannot be a name", hint, *root.key_place(path))


def _bad_value(path: Path, root: Node, where: list[Any], kind: Any) -> Problem:
    node = root.at(path)
    code, message, hint = _said(node, where, kind)
    return Problem(code, path, message, hint, node.line, node.column)


def _said(node: Node, where: list[Any], kind: Any) -> tuple[str, str, str | None]:
    """Code, message and hint for a value that is not what it has to be."""
    if kind.name == "enum":
        return _not_among(node, [str(option) for option in kind.options])
    if kind.name == "const":
        return "E106", f"must be {kind.expected_value}, not {shown(node)}", None
    if kind.name in ("minItems", "minProperties"):
        few = "must not be empty" if kind.limit == 1 else f"needs at least {kind.limit} entries"
        return "E106", few, None
    _, words, hint = _EXPECTED.get(_shared(where) or "", ("E106", None, None))
    if kind.name == "type":
        expected = words or " or ".join(_TYPES[name] for name in kind.types)
        return "E106", f"must be {expected}, not {shown(node)}", _type_hint(node, kind.types)
    if words:
        code = _EXPECTED[_shared(where) or ""][0]
        return code, f"must be {words}, not {shown(node)}", hint
    if kind.name in ("minimum", "exclusiveMinimum"):
        return "E106", f"must be at least {kind.limit}, not {shown(node)}", None
    if kind.name in ("maximum", "exclusiveMaximum"):
        return "E106", f"must be at most {kind.limit}, not {shown(node)}", None
    return "E106", f"{shown(node)} does not fit here", _definition(where[:-1]).get("description")


def _not_among(node: Node, options: list[str]) -> tuple[str, str, str | None]:
    hint = known(str(node.value), options, "Possible")
    return "E106", f"{shown(node)} is not possible here", hint


def _type_hint(node: Node, types: list[str]) -> str | None:
    """How to write what was probably meant."""
    if node.value is None:
        return "take the key out, or give it a value"
    if "string" in types and node.raw is not None and not isinstance(node.value, str):
        if isinstance(node.value, bool) and node.raw.lower() not in ("true", "false"):
            return f'YAML reads {node.raw} as {shown(node)}; in quotes it is text: "{node.raw}"'
        return f'write it in quotes: "{node.raw}"'
    if "array" in types and isinstance(node.value, str):
        return f"write it as a list: [{quoted(node.value)}]"
    if types == ["boolean"] and str(node.value).lower() in ("true", "false", "yes", "no"):
        return "write it without quotes"
    return None


def shown(node: Node) -> str:
    """A value in a message: short, and what YAML made of it."""
    value = node.value
    if value is None:
        return "empty"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + '…"'


def _shared(where: list[Any]) -> str | None:
    """The shared definition a schema path is in, when it is the definition itself."""
    return where[1] if len(where) == 3 and where[0] == "$defs" else None


def _definition(where: list[Any]) -> dict[str, Any]:
    """The part of the schema a path leads to."""
    part: Any = schema()
    for step in where:
        part = part[step]
    found: dict[str, Any] = part
    return found
