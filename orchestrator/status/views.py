"""The status document as people read it: plain lines, made of the document alone.

Plain text and not a table of a library: this is what people and agents ask for
most, and a library would take longer to load than everything else together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["screen", "title"]

Json = Mapping[str, Any]

_COLUMNS = ("instance", "state", "handoff", "client", "task")
_NEXT = "next: orchestrate init, commit the configuration, then orchestrate watch"


def screen(document: Json, width: int = 100) -> list[str]:
    """The whole document as lines; the table is cut to ``width`` cells."""
    lines = [title(document)]
    if document["instances"]:
        lines += ["", *_instances(document, width)]
    sections = (_waiting, _escalations, _runs, _problems, _next)
    return [*lines, *(line for section in sections for line in section(document))]


def title(document: Json) -> str:
    """One line: the session, what goes on, who coordinates."""
    session, health = document["coordinationSession"], document["health"]
    coordinator = health["coordinator"]
    running = f"{coordinator['holder']} coordinates" if coordinator["alive"] else "no coordinator"
    phase = session["currentPhase"].replace("_", " ").lower()
    return visible(f"{session['sessionId']}  {phase}  {running}")


def _instances(document: Json, width: int) -> Iterator[str]:
    """A table of the instances, those with work first."""
    rows = sorted(document["instances"].items(), key=_by_state)
    cells = [_COLUMNS, *(_cells(name, row) for name, row in rows)]
    widths = [max(_width(row[number]) for row in cells) for number in range(len(_COLUMNS))]
    for row in cells:
        padded = [_padded(cell, wide) for cell, wide in zip(row, widths, strict=True)]
        yield _cut("  ".join(padded).rstrip(), width)


def _cells(name: str, row: Json) -> Sequence[str]:
    values = (name, row["state"], row["handoff"], row["client"], row["task"])
    return [visible(value or "–") for value in values]


def _by_state(item: tuple[str, Json]) -> tuple[bool, str]:
    return (item[1]["state"] == "STANDBY", item[0])


def _waiting(document: Json) -> Iterator[str]:
    for row in document["handoffs"]:
        if row.get("waitingFor"):
            yield ""
            yield visible(f"{row['id']} is approved and waits: {row['waitingFor']}")


def _escalations(document: Json) -> Iterator[str]:
    for row in document["escalations"]:
        late = ", overdue" if row["overdue"] else ""
        about = " ".join(filter(None, (row["handoff"], row["instance"])))
        yield ""
        yield visible(f"{row['id']} needs an answer ({row['status']}{late}): {row['question']}")
        yield visible(f"    {about}: {row['reason'] or row['type']}")
        yield visible(f"    {row['command']}")


def _runs(document: Json) -> Iterator[str]:
    runs = document["lastRuns"][:5]
    if runs:
        yield ""
        yield "latest runs"
    for row in runs:
        took = "" if row["durationMs"] is None else f"  {row['durationMs'] / 1000:.1f} s"
        said = row["verdict"] or row["status"]
        about = row["handoff"] or "integration"
        yield visible(f"    {row['id']}  {about}  {said}{took}  {row['startedAt'] or ''}".rstrip())


def _problems(document: Json) -> Iterator[str]:
    problems = document["health"]["problems"]
    if problems:
        yield ""
    for problem in problems:
        yield visible(f"! {problem}")


def _next(document: Json) -> Iterator[str]:
    if not document["instances"]:
        yield ""
        yield "nobody is known here yet"
        yield _NEXT


def visible(text: str) -> str:
    """One line, control characters made visible: what users wrote cannot steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _width(text: str) -> int:
    """Cells on a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, with an ellipsis where something is missing."""
    if _width(text) <= width:
        return text
    while _width(text) > width - 1:
        text = text[:-1]
    return f"{text}…"
