"""What a ``.proto`` file declares under a name or number, as written: to be shown beside a break.

Reads text, not the language: buf decides what breaks. What is not found is not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["declared"]

_COMMENTS = re.compile(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
#: What buf's messages speak of → the owner's kinds, and the statement by its name or number.
_NUMBERED = (
    r'(?:[Ff]ield|value) "(?P<wanted>-?\d+)".* on (?P<kind>message|enum) "(?P<owner>[\w.]+)"'
)
_CALLED = r'RPC "(?P<wanted>\w+)".* on (?P<kind>service) "(?P<owner>[\w.]+)"'
_SUBJECTS = (
    (_NUMBERED, r"[^;{{}}]*=\s*{}\s*(?:\[[^;]*)?;"),
    (_CALLED, r"\brpc\s+{}\b[^;{{}}]*[;{{]"),
)
_LONGEST = 300


def declared(message: str, texts: Iterable[str]) -> str | None:
    """The declaration that ``message`` (buf's) speaks of, on one line; None if it is not there."""
    for pattern, statement in _SUBJECTS:
        found = re.search(pattern, message)
        if found:
            wanted = re.compile(statement.format(re.escape(found["wanted"])))
            return _within(found["kind"], found["owner"].rpartition(".")[2], wanted, texts)
    return None


def _within(kind: str, owner: str, wanted: re.Pattern[str], texts: Iterable[str]) -> str | None:
    opening = re.compile(rf"\b{kind}\s+{re.escape(owner)}\s*{{")
    for text in texts:
        plain = _COMMENTS.sub(lambda match: match[1] or " ", text)
        for start in opening.finditer(plain):
            found = wanted.search(_body(plain, start.end()))
            if found:
                return " ".join(found[0].rstrip("{;").split())[:_LONGEST]
    return None


def _body(text: str, start: int) -> str:
    """What stands between braces, without the messages and enums declared in there."""
    body = text[start : _closing(text, start)]
    while nested := re.search(r"\b(?:message|enum)\s+\w+\s*{", body):
        body = body[: nested.start()] + body[_closing(body, nested.end()) + 1 :]
    return body


def _closing(text: str, start: int) -> int:
    """Where the brace is that closes the one before ``start``; the end where there is none."""
    depth = 1
    for brace in re.compile(r"[{}]").finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.start()
    return len(text)
