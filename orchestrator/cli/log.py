"""``orchestrate log``: the record of events; read it, follow it, verify its chain."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

import click

from orchestrator.cli.output import json_option, print_json
from orchestrator.git import find
from orchestrator.report.events import details
from orchestrator.status.times import rfc3339
from orchestrator.store.port import Row, Store, Value

__all__ = ["command", "line", "plain"]

#: How often ``--follow`` asks whether anybody committed; asking costs microseconds.
_POLL = 0.1


@click.group(name="log", invoke_without_command=True)
@click.option("-n", "count", type=click.IntRange(min=0), help="How many events; 0: all. [20]")
@click.option("--follow", "-f", is_flag=True, help="Stay and print what happens.")
@click.option("--since", type=click.IntRange(min=0), help="Only events after this number.")
@click.option("--handoff", metavar="ID", help="Only events of this handoff.")
@click.option("--instance", metavar="ID", help="Only events of this instance.")
@json_option
@click.pass_context
def command(
    context: click.Context,
    count: int | None,
    follow: bool,
    since: int | None,
    handoff: str | None,
    instance: str | None,
    as_json: bool,
) -> None:
    """Print events, oldest first: number, time, actor, kind, FROM → TO, reason.

    With --json one event per line. ``orchestrate log verify`` checks the chain.
    """
    if context.invoked_subcommand is not None:
        return
    given = {"handoff": handoff, "instance": instance}
    where: dict[str, Value] = {name: value for name, value in given.items() if value is not None}
    store = _open()
    if store is None:
        return
    try:
        last = _last(store)
        events = _selected(store, count, since, where)
        _print(events, as_json)
        if follow:
            _follow(store, events[-1]["seq"] if events else last, where, as_json)
    except KeyboardInterrupt:
        return
    finally:
        store.close()


@command.command()
@json_option
def verify(as_json: bool) -> None:
    """Check the chain of events: how many there are, or the first that was changed."""
    store = _open()
    count = 0
    if store is not None:
        try:
            count = store.verify_events()
        finally:
            store.close()
    if as_json:
        print_json({"events": count, "intact": True})
    else:
        print(f"{count} events, the chain is intact")


def plain(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event as programs read it: the time as text, the data as an object."""
    return {**event, "at": rfc3339(event["at"]), "data": json.loads(event["data"])}


def line(event: Mapping[str, Any]) -> str:
    """An event as one line for people."""
    data = json.loads(event["data"])
    moved = f"{data['from']} → {data['to']}" if "from" in data and "to" in data else None
    about = event["instance"] if event["instance"] != event["actor"] else None
    what = (event["actor"], event["kind"], about, event["handoff"], moved)
    parts = (*what, details(event["kind"], data), event["reason"])
    told = "  ".join(_visible(part) for part in parts if part)
    return f"{event['seq']:>5}  {rfc3339(event['at'])}  {told}"


def _visible(text: str) -> str:
    from orchestrator.cli.main import printable

    return printable(text).replace("\n", "\\n")


def _open() -> Store | None:
    """The store, or None where nothing has happened yet: reading must not make one."""
    from orchestrator.store.sqlite import FILE, open_store

    state = find().state
    return open_store(state) if (state / FILE).exists() else None


def _selected(
    store: Store, count: int | None, since: int | None, where: Mapping[str, Value]
) -> list[Row]:
    """The latest ``count`` events that match (20), oldest first; with ``since`` all after it."""
    if since is not None:
        return list(store.events(after=since, limit=count or None, where=where))
    limit = 20 if count is None else count or None

    def newest(reader: Any) -> list[Row]:
        found: list[Row] = reader.find("events", where, order="-seq", limit=limit)
        return found

    return store.read(newest)[::-1]


def _last(store: Store) -> int:
    newest = store.read(lambda reader: reader.find("events", order="-seq", limit=1))
    return int(newest[0]["seq"]) if newest else 0


def _print(events: Iterable[Row], as_json: bool) -> None:
    for event in events:
        text = json.dumps(plain(event), ensure_ascii=False) if as_json else line(event)
        print(text, flush=True)


def _follow(store: Store, last: int, where: Mapping[str, Value], as_json: bool) -> None:
    seen = -1
    while True:
        version = store.version()
        if version != seen:
            seen = version
            for event in store.events(after=last, where=where):
                last = event["seq"]
                _print([event], as_json)
        time.sleep(_POLL)
