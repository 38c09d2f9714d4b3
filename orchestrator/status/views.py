"""The status document as people read it: tables and a few lines, from the document alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["lines", "screen"]

Json = Mapping[str, Any]

_NEXT = "next: orchestrate init, commit the configuration, then orchestrate watch"


def screen(document: Json) -> RenderableType:
    """The whole document as one calm screen."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(title(document), style="bold")]
    if document["instances"]:
        parts += ["", _instances(document)]
    parts += [Text(line) for line in lines(document)]
    return Group(*parts)


def title(document: Json) -> str:
    """One line: the session, what goes on, who coordinates."""
    session, health = document["coordinationSession"], document["health"]
    coordinator = health["coordinator"]
    running = f"{coordinator['holder']} coordinates" if coordinator["alive"] else "no coordinator"
    phase = session["currentPhase"].replace("_", " ").lower()
    return f"{session['sessionId']}  {phase}  {running}"


def lines(document: Json) -> list[str]:
    """What stands below the table: waiting questions, latest runs, problems."""
    return [*_escalations(document), *_runs(document), *_problems(document), *_next(document)]


def _instances(document: Json) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table("instance", "state", "handoff", "task", "client", box=None, pad_edge=False)
    for name, row in sorted(document["instances"].items(), key=_by_state):
        cells = (name, row["state"], row["handoff"], row["task"], row["client"])
        table.add_row(*(Text(visible(cell or "–"), overflow="fold") for cell in cells))
    return table


def _by_state(item: tuple[str, Json]) -> tuple[bool, str]:
    """Those with work first."""
    return (item[1]["state"] == "STANDBY", item[0])


def _escalations(document: Json) -> Iterator[str]:
    for row in document["escalations"]:
        late = ", overdue" if row["overdue"] else ""
        about = " ".join(filter(None, (row["handoff"], row["instance"])))
        yield ""
        yield visible(f"{row['id']} needs an answer ({row['status']}{late}): {row['question']}")
        yield visible(f"    {about}: {row['reason'] or row['type']}")
        yield f"    {row['command']}"


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
