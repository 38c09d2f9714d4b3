"""Handoff notes: a Markdown file with five required headings. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["FIELDS", "TEMPLATE", "missing", "parse"]

#: Heading → what its author is asked.
FIELDS: dict[str, str] = {
    "What changed": "The change in two or three sentences: files, behaviour, interfaces.",
    "Why": "The task or the decision behind it.",
    "How to verify": "Commands to run and what they should show.",
    "Known risks": "What could break, what was not tried. Write “none” if so.",
    "What the target must do": "What the next instance has to do with it.",
}

TEMPLATE = "# Handoff notes\n\n" + "\n".join(
    f"## {name}\n\n<!-- {question} -->\n" for name, question in FIELDS.items()
)

_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t#]*$")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def parse(text: str) -> dict[str, str]:
    """The text under each known heading, comments removed; unknown headings stay with it."""
    names = {name.casefold(): name for name in FIELDS}
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in _COMMENT.sub("", text).splitlines():
        heading = _HEADING.match(line)
        known = names.get(heading.group(1).strip(": ").casefold()) if heading else None
        if known:
            current = found.setdefault(known, [])
        elif current is not None:
            current.append(line)
    return {name: "\n".join(lines).strip() for name, lines in found.items()}


def missing(notes: Mapping[str, str]) -> list[str]:
    """The required fields that are absent or empty, in the template's order."""
    return [name for name in FIELDS if not notes.get(name, "").strip()]
