"""The options of a proposal, as they stand on the command line or in a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from orchestrator.coordination.decisions import Option
from orchestrator.errors import UsageError

__all__ = ["options_of"]

_HINT = 'a list of {"option": NAME, "pros": [TEXT…], "cons": [TEXT…]}'


def options_of(texts: tuple[str, ...], file: str | None) -> tuple[Option, ...]:
    """Options of the form ``NAME|pro;pro|con;con``, then those of ``file``.

    Raises ``UsageError``.
    """
    return tuple(_written(text) for text in texts) + (_read(file) if file else ())


def _written(text: str) -> Option:
    name, *reasons = text.split("|")
    if not name.strip() or len(reasons) > 2:
        raise UsageError(f"{text!r} is no option", hint='"NAME|pro;pro|con;con"')
    return Option(name.strip(), *map(_reasons, reasons))


def _reasons(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


def _read(file: str) -> tuple[Option, ...]:
    value = _data(file)
    if isinstance(value, dict) and set(value) == {"options"}:
        value = value["options"]
    if not isinstance(value, list):
        raise UsageError(f"{file} is no list of options", hint=_HINT)
    return tuple(_option(item, f"{file}[{place}]") for place, item in enumerate(value))


def _data(file: str) -> Any:
    """The file's content; YAML with the limits of the configuration's reader."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {error}") from error
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        from orchestrator.config.yaml_reader import read

        document = read(text)
        if document.root is None or document.problems:
            problem = document.problems[0]
            place = f"{file}:{problem.line}:{problem.column}"
            raise UsageError(
                f"it is neither JSON nor YAML: {problem.message}", where=place
            ) from None
        return document.root.value


def _option(item: Any, where: str) -> Option:
    if isinstance(item, str):
        return Option(item)
    if not isinstance(item, dict) or set(item) - {"option", "pros", "cons"}:
        raise UsageError("it is no option", hint=_HINT, where=where)
    reasons = [item.get("pros") or [], item.get("cons") or []]
    name = item.get("option")
    plain = all(isinstance(r, list) and all(isinstance(x, str) for x in r) for r in reasons)
    if not isinstance(name, str) or not name.strip() or not plain:
        raise UsageError("it is no option", hint=_HINT, where=where)
    return Option(name.strip(), tuple(reasons[0]), tuple(reasons[1]))
