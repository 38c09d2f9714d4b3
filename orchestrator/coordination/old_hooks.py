"""The hook entries of the replaced scripts in client settings: found, and cut out on request.

Pure text in, text out: what is not cut keeps its order, its spaces and its comments' place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.coordination.json_places import Node, parse, place

__all__ = ["SCRIPTS", "OldHook", "find", "without"]

#: The scripts the replaced system ran as hooks.
SCRIPTS = (
    "coordination-init.sh",
    "coordination-cleanup.sh",
    "coordination-heartbeat.sh",
    "file-lock-check.sh",
    "file-lock-release.sh",
)
_SCRIPT = re.compile(rf"(?:^|[/\\\s\"'])({'|'.join(map(re.escape, SCRIPTS))})(?=$|[\s\"';&|])")


@dataclass(frozen=True, slots=True)
class OldHook:
    """One entry: its event, its command, and where it stands (line and column from 1)."""

    event: str
    command: str
    line: int
    column: int


def find(text: str) -> list[OldHook]:
    """The entries in the text of a settings file; none where it is no JSON."""
    return [
        OldHook(event, node.value["command"], *place(text, node.start))
        for event, _, _, node in _entries(text)
    ]


def without(text: str) -> str:
    """``text`` without these entries, and without what would be empty then."""
    while (cut := _next_cut(text)) is not None:
        text = text[: cut[0]] + text[cut[1] :]
    return text


def _entries(text: str) -> Iterator[tuple[str, Node, Node, Node]]:
    """Event, its list of groups, the group, the entry."""
    parsed = parse(text)
    hooks = parsed.root.at("hooks") if parsed.root and not parsed.error else None
    for event, (_, groups) in (hooks.members if hooks else {}).items():
        for group in groups.items:
            entries = group.at("hooks")
            for entry in entries.items if entries else ():
                if _is_old(entry):
                    yield event, groups, group, entry


def _is_old(entry: Node) -> bool:
    command = entry.value.get("command") if isinstance(entry.value, dict) else None
    return isinstance(command, str) and _SCRIPT.search(command) is not None


def _next_cut(text: str) -> tuple[int, int] | None:
    """The outermost text that holds nothing but the first entry."""
    for event, groups, group, entry in _entries(text):
        root = parse(text).root
        hooks = root.at("hooks") if root else None
        entries = group.at("hooks")
        if root is None or hooks is None or entries is None:
            return None
        if len(entries.items) > 1:
            return _span(text, entries, entry.start, entry.end)
        if len(groups.items) > 1:
            return _span(text, groups, group.start, group.end)
        if len(hooks.members) > 1:
            return _span(text, hooks, hooks.members[event][0], groups.end)
        return _span(text, root, root.members["hooks"][0], hooks.end)
    return None


def _span(text: str, container: Node, start: int, end: int) -> tuple[int, int]:
    """An element with one comma and the blanks that belonged to it."""
    inside = text[container.start + 1 : start]
    after = re.compile(r"\s*,").match(text, end)
    if inside.rstrip().endswith(","):
        return container.start + 1 + len(inside.rstrip()) - 1, end
    if after is not None:
        rest = re.compile(r"\s*").match(text, after.end())
        return start, rest.end() if rest else after.end()
    return container.start + 1, container.end - 1
