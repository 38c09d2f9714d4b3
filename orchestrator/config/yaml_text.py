"""From bytes to text that YAML can be read from, and why the parser refused a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.config.problems import Problem

if TYPE_CHECKING:
    import yaml

__all__ = ["MAX_BYTES", "Stop", "decoded", "syntax_problem"]

MAX_BYTES = 256 * 1024
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Stop(Exception):
    """Reading cannot go on."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def decoded(content: bytes | str) -> str:
    """The text, or ``Stop`` for what no YAML can be read from."""
    data = content.encode(errors="replace") if isinstance(content, str) else content
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024} KiB"
        raise Stop(Problem("E101", (), message))
    text = content if isinstance(content, str) else _utf8(content)
    if bad := _FORBIDDEN.search(text):
        line, column = _counted(text[: bad.start()])
        message = f"control character U+{ord(bad[0]):04X}"
        raise Stop(Problem("E101", (), message, "take it out", line, column))
    return text


def _utf8(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _counted(content[: error.start].decode(errors="replace"))
        message = f"byte 0x{content[error.start]:02x} is not UTF-8"
        hint = "save the file as UTF-8"
        raise Stop(Problem("E101", (), message, hint, line, column)) from error


def _counted(before: str) -> tuple[int, int]:
    """Line and column after the text ``before``."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def syntax_problem(error: yaml.YAMLError, text: str) -> Problem:
    """What the YAML parser says, with a hint for the usual reasons."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.split("\n")
    here = lines[line - 1] if line <= len(lines) else ""
    said = (getattr(error, "context", None), getattr(error, "problem", None))
    message = " ".join(part for part in said if part) or " ".join(str(error).split()) or "not YAML"
    return Problem("E102", (), message, _syntax_hint(here, message), line, column)


def _syntax_hint(here: str, message: str) -> str | None:
    if "\t" in here[: len(here) - len(here.lstrip())]:
        return "YAML indents with spaces, never with tabs"
    if "mapping values are not allowed" in message:
        return 'text with ": " in it needs quotes; else look at the indentation'
    if "cannot start any token" in message:
        return "text that begins with a special character needs quotes"
    if "quoted scalar" in message:
        return "a quote is not closed"
    if "flow" in message:
        return "a bracket or brace is not closed, or a comma is missing"
    if "block" in message:
        return "look at the indentation of this line and the one before"
    return None
