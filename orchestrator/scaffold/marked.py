"""A paragraph of ours in somebody's Markdown file, between two marks.

Pure text in, text out. Only what stands between the marks is ever touched.
"""

from __future__ import annotations

import re

from orchestrator.errors import OrchestrateError

__all__ = ["BrokenMarks", "put", "take_out"]

_BEGIN = "<!-- orchestrate: begin (kept up to date by orchestrate init) -->"
_END = "<!-- orchestrate: end -->"
_MARK = re.compile(r"<!-- orchestrate: (begin|end)[^\n]*?-->")


class BrokenMarks(OrchestrateError):
    """The marks around the paragraph of ``orchestrate`` are not one pair.

    Between ``<!-- orchestrate: begin … -->`` and ``<!-- orchestrate: end -->``
    the text is rewritten; with one of them gone nobody can tell what is whose.
    Delete the marks that are left, and the paragraph, then do it again.
    """

    code = "E732"


def put(text: str, paragraph: str, where: str) -> str:
    """``text`` with the paragraph: rewritten where it stands, else at the end."""
    newline = "\r\n" if "\r\n" in text else "\n"
    block = f"{_BEGIN}\n{paragraph.strip()}\n{_END}".replace("\n", newline)
    found = _found(text, where)
    if found:
        return text[: found[0]] + block + text[found[1] :]
    if not text:
        return block + newline
    # A file that does not end its last line keeps that habit, which is also how
    # taking the paragraph out knows what was there.
    ends = newline if text.endswith("\n") else ""
    return f"{text}{newline}{newline if not ends else ''}{block}{ends}"


def take_out(text: str, where: str) -> str | None:
    """``text`` without it, as it was before; None when nothing else was ever there."""
    found = _found(text, where)
    if not found:
        return text
    start, end = found
    before, after = text[:start], text[end:]
    newline = "\r\n" if before.endswith("\r\n") else "\n"
    if not before and after in ("\n", "\r\n"):
        return None
    if not after:
        return before.removesuffix(newline * 2)
    return before.removesuffix(newline) + after.removeprefix(newline)


def _found(text: str, where: str) -> tuple[int, int] | None:
    """Where the block begins and ends."""
    marks = list(_MARK.finditer(text))
    if not marks:
        return None
    if [mark[1] for mark in marks] != ["begin", "end"]:
        line = text.count("\n", 0, marks[0].start()) + 1
        raise BrokenMarks(
            where=f"{where}:{line}",
            hint="delete the marks that are left, and the paragraph, then do it again",
        )
    return marks[0].start(), marks[1].end()
