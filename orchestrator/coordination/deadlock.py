"""Finding those who wait for each other in a circle, before one more starts to wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.coordination import queue
from orchestrator.coordination.overlaps import rivals
from orchestrator.coordination.paths import Target
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.store.port import Reader, Row

__all__ = ["Deadlock", "Edge", "circle", "refuse"]


class Deadlock(OrchestrateError):
    """Waiting for this would never end: those who hold it wait for you.

    The message names everybody in the circle and what each waits for. Release
    what you hold, then ask for everything you need at once: several paths are
    taken all or none.
    """

    code = "E364"
    exit_status = EXIT["held"]


#: Who waits, for what, for whom.
Edge = tuple[str, str, str]


def refuse(reader: Reader, row: Row, *, late: bool = False) -> None:
    """Raise ``Deadlock`` when the waiter ``row`` closes a circle.

    ``late``: it waits already and a circle closed behind it; then only the one
    who came last gives way.
    """
    found = circle(reader, row)
    if found and late:
        within = {who for who, _, _ in found}
        last = max(w["id"] for w in [*queue.waiting(reader), row] if w["instance"] in within)
        found = found if last == row["id"] else []
    if found:
        steps = ", ".join(f"{who} waits for {what} ({by} has it)" for who, what, by in found)
        raise Deadlock(f"a deadlock: {steps}", hint="release what you hold, then ask for all")


def circle(reader: Reader, row: Row) -> list[Edge]:
    """The circle that leads from a waiter back to its instance; empty when there is none."""
    waits: dict[str, list[Row]] = {}
    for other in [*queue.waiting(reader), row]:
        known = waits.setdefault(other["instance"], [])
        if all(other["id"] != one["id"] for one in known):
            known.append(other)
    start = str(row["instance"])
    paths: list[list[Edge]] = [[edge] for edge in _edges(reader, [row])]
    seen = {start}
    while paths:
        path = paths.pop(0)
        place = path[-1][2]
        if place == start:
            return path
        if place not in seen:
            seen.add(place)
            paths += [[*path, edge] for edge in _edges(reader, waits.get(place, []))]
    return []


def _edges(reader: Reader, rows: Sequence[Row]) -> Iterator[Edge]:
    """Whom these waiters wait for: holders, and those before them in the queue.

    A lease that has passed to a handoff waits for nobody: it ends when that lands.
    """
    for row in rows:
        wants: list[Target] = queue.wants_of(row)
        for want in wants:
            for lease in rivals(reader, want, instance=row["instance"], mode=row["mode"]):
                if lease["handoff"] is None:
                    yield row["instance"], str(want), lease["instance"]
        before = queue.ahead(reader, wants, instance=row["instance"], mode=row["mode"], waiting=row)
        for want, other in before:
            yield row["instance"], str(want), other["instance"]
