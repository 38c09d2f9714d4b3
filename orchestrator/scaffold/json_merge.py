"""Adds values to somebody's JSON file and takes them out again, byte for byte.

Pure text in, text out. What is added stands behind what was there, in the
file's own layout; what is taken out leaves the text as if it had never been
there. A container that was there and empty is told from one that was made for
the occasion by a blank behind its bracket, so that it alone is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.coordination.json_places import Node
from orchestrator.scaffold.json_text import Style, empty, expect, margin, read, style_of

__all__ = ["Doomed", "Path", "Want", "cut", "merge"]

Path = tuple[str, ...]
#: What is to become of a value: True goes, False stays but is looked into, None stays whole.
Doomed = Callable[[Path, Any], bool | None]


@dataclass(frozen=True, slots=True)
class Want:
    """A value to have in the file.

    ``path`` names the container from the root; a member of an object has a
    ``key``, an element of a list has none. ``known`` recognises an older
    edition of the value, which is rewritten in its place.
    """

    path: Path
    value: Any
    known: Callable[[Any], bool]
    key: str | None = None


def merge(text: str, wants: Sequence[Want], where: str) -> str:
    """``text`` with every wanted value; a text without content becomes a new file.

    Raises ``UnreadableSettings`` where the file is not built as expected.
    """
    made = empty(text)
    text = "{}\n" if made else text
    for want in wants:
        text = _with(text, want, where, made)
    return text


def _with(text: str, want: Want, where: str, made: bool) -> str:
    root = read(text, where)
    style = style_of(text, root)
    node = root
    for depth, key in enumerate(want.path):
        kind = list if want.key is None and depth == len(want.path) - 1 else dict
        child = node.at(key)
        if child is None:
            value = _wrapped(want, depth + 1)
            return _insert(text, node, style, key, value, made=made and node is root)
        node = expect(child, kind, text, where)
    return _into(text, node, want, style)


def _wrapped(want: Want, depth: int) -> Any:
    """The wanted value inside the containers that are missing, from ``depth`` on."""
    value = [want.value] if want.key is None else {want.key: want.value}
    for key in reversed(want.path[depth:]):
        value = {key: value}
    return value


def _into(text: str, node: Node, want: Want, style: Style) -> str:
    """The value among the children of its container: kept, rewritten or appended."""
    found = node.at(want.key) if want.key is not None else None
    ours = [found] if found else [c for c in node.items if want.known(c.value)]
    if not ours:
        return _insert(text, node, style, want.key, want.value, made=False)
    spans = [(child.start, child.end) for child in node.items]
    extra = [child in ours[1:] for child in node.items]
    for start, end in reversed(list(_runs(text, node, spans, extra))):
        text = text[:start] + text[end:]
    first = ours[0]
    if first.value == want.value or not want.known(first.value):
        return text
    new = style.dump(want.value, margin(text, first.start))
    return text[: first.start] + new + text[first.end :]


def _insert(text: str, node: Node, style: Style, key: str | None, value: Any, *, made: bool) -> str:
    """``text`` with a child more at the end of a container."""
    ends = [child.end for child in node.each()]
    name = "" if key is None else f"{Style(None).dump(key, '')}: "
    if ends:
        blank = _before_last(text, node)
        base = blank.rpartition("\n")[2] if "\n" in blank else margin(text, node.start)
        blank = style.newline + base if "\n" in blank else blank or " "
        new = f",{blank}{name}{style.dump(value, base)}"
        return text[: max(ends)] + new + text[max(ends) :]
    # Behind the blanks that were there: one more, and the line end, say that it was empty.
    at, outer = node.end - 1, margin(text, node.start)
    mark = "" if made else " "
    if style.indent is None:
        return text[:at] + mark + name + style.dump(value, "") + text[at:]
    base = outer + style.indent
    new = f"{mark}{style.newline}{base}{name}{style.dump(value, base)}{style.newline}{outer}"
    return text[:at] + new + text[at:]


def _before_last(text: str, node: Node) -> str:
    """The blanks before the last child, which the next one repeats."""
    starts = [child.start for child in node.items] + [start for start, _ in node.members.values()]
    before = text[: max(starts)]
    return before[len(before.rstrip(" \t\r\n")) :]


def cut(text: str, doomed: Doomed, where: str) -> str | None:
    """``text`` without the doomed values, and without what was made to hold them.

    ``doomed`` sees every value with the keys that lead to it (an element of a
    list is ``""``). None: nothing is left of the file, so it was made for them.
    """
    if empty(text):
        return text
    root = read(text, where)
    spans = list(_spans(text, root, (), doomed))
    if spans and spans[0] == (root.start, root.end) and empty(text[root.end :]):
        return None
    for start, end in reversed(spans):
        text = text[:start] + text[end:]
    return text


def _spans(text: str, node: Node, path: Path, doomed: Doomed) -> Iterator[tuple[int, int]]:
    """The pieces of text to cut, in order; a value that goes whole is one piece."""
    if doomed(path, node.value) is None:
        return
    if _goes(text, node, path, doomed):
        yield node.start, node.end
        return
    children = list(_children(node))
    going = [_goes(text, child, (*path, key), doomed) for key, _, child in children]
    yield from sorted(
        [*_runs(text, node, [(s, c.end) for _, s, c in children], going)]
        + [
            span
            for (key, _, child), gone in zip(children, going, strict=True)
            if not gone
            for span in _spans(text, child, (*path, key), doomed)
        ]
    )


def _children(node: Node) -> Iterator[tuple[str, int, Node]]:
    """Key, start and value, in the order of the text."""
    yield from (("", item.start, item) for item in node.items)
    yield from ((key, start, child) for key, (start, child) in node.members.items())


def _goes(text: str, node: Node, path: Path, doomed: Doomed) -> bool:
    """Doomed itself, or a container made for nothing but doomed values."""
    verdict = doomed(path, node.value)
    if verdict is not False:
        return bool(verdict)
    children = list(_children(node))
    if not children or _blank(text, node, children[0][1]) is not None:
        return False
    return all(_goes(text, child, (*path, key), doomed) for key, _, child in children)


def _blank(text: str, node: Node, first: int) -> str | None:
    """What a container held before anything was put into it; None when it was made for it."""
    before, line, base = text[node.start + 1 : first].rpartition("\n")
    if not line:
        before = base
    before = before.removesuffix("\r") if line and before.endswith(" \r") else before
    return before[:-1] if before.endswith(" ") else None


def _runs(
    text: str, node: Node, spans: Sequence[tuple[int, int]], going: Iterable[bool]
) -> Iterator[tuple[int, int]]:
    """What to cut for the children that go, with the commas and blanks that were theirs."""
    flags = list(going)
    kept = [index for index, gone in enumerate(flags) if not gone]
    for index, gone in enumerate(flags):
        if not gone or (index and flags[index - 1]):
            continue
        last = next((k for k in kept if k > index), len(flags)) - 1
        if index:
            yield spans[index - 1][1], spans[last][1]
        elif kept:
            yield spans[0][0], spans[last + 1][0]
        else:
            blank = _blank(text, node, spans[0][0]) or ""
            yield node.start + 1 + len(blank), node.end - 1
