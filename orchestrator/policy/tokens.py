"""Reads a rule as text: its tokens and the dotted names it uses.

The CEL library compiles misspelt fields and its short circuits never look at
them, so names are also found in the text. Must not judge: ``rules`` does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "MACROS",
    "Token",
    "bound",
    "compared",
    "depth",
    "divided",
    "macro_depth",
    "paths",
    "tokens",
]

#: Macros that bind their first argument.
MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
#: Words that are no variables: literals, the operator ``in``, and the names of types.
_WORDS = frozenset({
    "true", "false", "null", "in", "bool", "int", "uint", "double", "string", "bytes", "list",
    "map", "null_type", "type", "optional",
})  # fmt: skip
_LITERALS = frozenset({"true", "false", "null"})
#: What may stand behind a literal that is the whole side of a comparison.
_ENDS = frozenset({"", "&&", "||", ")", "]", ",", "?", ":"})
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_TOKEN = re.compile(
    r"""
    (?P<space> \s+ | //[^\n]* )
  | (?P<string>
      [rR] (?: '''.*?''' | \"\"\".*?\"\"\" | '[^'\n]*' | "[^"\n]*" )
    | [bB]? (?: '''(?:\\.|[^\\])*?''' | \"\"\"(?:\\.|[^\\])*?\"\"\"
              | '(?:\\.|[^'\\\n])*' | "(?:\\.|[^"\\\n])*" ) )
  | (?P<number> 0[xX][0-9a-fA-F]+u? | \d+(?:\.\d+)?(?:[eE][+-]?\d+)?[uU]? | \.\d+(?:[eE][+-]?\d+)? )
  | (?P<name> [A-Za-z_]\w* )
  | (?P<sign> && | \|\| | == | != | <= | >= | . )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """One token: ``kind`` is name, string, number or sign; ``at`` counts characters from 0."""

    kind: str
    text: str
    at: int


def tokens(expression: str) -> list[Token]:
    """The tokens of an expression, without space and comments. Never raises."""
    return [
        Token(match.lastgroup or "sign", match.group(), match.start())
        for match in _TOKEN.finditer(expression)
        if match.lastgroup != "space"
    ]


def depth(found: Sequence[Token]) -> int:
    """How deep brackets are nested."""
    deepest = level = 0
    for token in found:
        if token.text in _OPENING:
            level += 1
        elif token.text in _CLOSING:
            level -= 1
        deepest = max(deepest, level)
    return deepest


def macro_depth(found: Sequence[Token]) -> int:
    """How deep macros are nested in macros: each level multiplies the work."""
    deepest = 0
    open_brackets: list[bool] = []
    for number, token in enumerate(found):
        if token.text in _OPENING:
            open_brackets.append(_is_macro(found, number))
            deepest = max(deepest, sum(open_brackets))
        elif token.text in _CLOSING and open_brackets:
            open_brackets.pop()
    return deepest


def bound(found: Sequence[Token]) -> set[str]:
    """The names that macros bind: ``f`` in ``files.all(f, …)``."""
    return {
        found[number + 1].text
        for number, token in enumerate(found[:-1])
        if token.text == "(" and _is_macro(found, number) and found[number + 1].kind == "name"
    }


def paths(found: Sequence[Token]) -> list[Path]:
    """The variables used, each with the fields behind it, in order and once.

    ``steps["a"].output`` gives ``("steps", "a", "output")``. Names that macros
    bind, functions and methods are left out.
    """
    return list(dict.fromkeys(path for path, _ in _places(found)))


def compared(found: Sequence[Token]) -> list[tuple[Path, Token]]:
    """The variables that are compared with a literal by ``==`` or ``!=``, each with it."""
    return [
        (path, found[end + 1])
        for path, end in _places(found)
        if _text(found, end) in ("==", "!=")
        and (_kind(found, end + 1) in ("string", "number") or _text(found, end + 1) in _LITERALS)
        and _text(found, end + 2) in _ENDS
    ]


def divided(found: Sequence[Token]) -> list[Path]:
    """The variables that are divided, or divided by, as they are."""
    before = [path for path, end in _places(found) if _text(found, end) == "/"]
    behind = [path for path, end in _places(found) if _is_divisor(found, path, end)]
    return before + behind


def _is_divisor(found: Sequence[Token], path: Path, end: int) -> bool:
    slashes = (n for n, token in enumerate(found[:end]) if token.text == "/")
    return any(_path(found, number + 1) == (path, end) for number in slashes)


def _places(found: Sequence[Token]) -> list[tuple[Path, int]]:
    """Every use of a variable: its path, and the number of the token behind it."""
    local = bound(found)
    return [
        _path(found, number)
        for number, token in enumerate(found)
        if token.kind == "name"
        and token.text not in _WORDS
        and token.text not in local
        and _text(found, number - 1) != "."
        and _text(found, number + 1) != "("
    ]


def _path(found: Sequence[Token], number: int) -> tuple[Path, int]:
    parts = [found[number].text]
    number += 1
    while (part := _field(found, number)) is not None:
        name, width = part
        parts.append(name)
        number += width
    return tuple(parts), number


def _field(found: Sequence[Token], number: int) -> tuple[str, int] | None:
    """The field selected at ``number`` and how many tokens it takes, or None."""
    sign, follower = _text(found, number), number + 1
    if sign == "." and _kind(found, follower) == "name" and _text(found, number + 2) != "(":
        return found[follower].text, 2
    if sign == "[" and _kind(found, follower) == "string" and _text(found, number + 2) == "]":
        name = _literal(found[follower].text)
        return None if name is None else (name, 3)
    return None


def _literal(text: str) -> str | None:
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return None
    return value if isinstance(value, str) else None


def _is_macro(found: Sequence[Token], number: int) -> bool:
    """Whether the bracket at ``number`` opens the arguments of a macro."""
    return (
        _text(found, number) == "("
        and _text(found, number - 1) in MACROS
        and _text(found, number - 2) == "."
    )


def _text(found: Sequence[Token], number: int) -> str:
    return found[number].text if 0 <= number < len(found) else ""


def _kind(found: Sequence[Token], number: int) -> str:
    return found[number].kind if 0 <= number < len(found) else ""
