"""``orchestrate status``: what every instance and handoff is doing, from the store or a file."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.output import console, json_option, print_json, remark
from orchestrator.errors import UsageError
from orchestrator.git import find
from orchestrator.status.times import ago, parse

__all__ = ["StatusUnreadable", "command", "document_now", "read_document", "say_age"]

#: Seconds between looks of ``--watch``; a look costs microseconds while nothing changes.
_POLL = 0.2
_LIMIT = 64 * 1024 * 1024


class StatusUnreadable(UsageError):
    """This file is no status document.

    ``--from`` reads what ``orchestrate`` wrote to ``status/status.json``; the
    message says what is wrong with the file.
    """

    code = "E212"


@click.command(name="status")
@json_option
@click.option("--watch", is_flag=True, help="Stay and show every change.")
@click.option("--from", "source", metavar="FILE", help="Answer from a status document alone.")
def command(as_json: bool, watch: bool, source: str | None) -> None:
    """Show instances with state, task and handoff, open escalations, the latest runs."""
    if watch and source:
        raise UsageError("--watch follows the store; --from reads one document")
    if source is not None:
        document = read_document(source)
        say_age(document, source)
        _show(document, as_json)
    elif watch:
        _watch(as_json)
    else:
        _show(document_now(), as_json)


def document_now() -> dict[str, Any]:
    """The document of this moment. A project without a store gets none by being looked at."""
    from orchestrator.status.publish import current
    from orchestrator.store.sqlite import FILE, open_store

    state = find().state
    if not (state / FILE).exists():
        return _nothing_yet()
    store = open_store(state)
    try:
        return current(store)
    finally:
        store.close()


def _nothing_yet() -> dict[str, Any]:
    from orchestrator.status.publish import current
    from orchestrator.testing import MemoryStore

    return current(MemoryStore())


def read_document(source: str) -> dict[str, Any]:
    """The status document in a file. Raises ``StatusUnreadable``."""
    try:
        with Path(source).open("rb") as file:
            data = file.read(_LIMIT + 1)
    except OSError as error:
        raise StatusUnreadable(f"cannot read {source}: {error.strerror}") from error
    if len(data) > _LIMIT:
        raise StatusUnreadable(f"{source} is too large to be a status document")
    try:
        document = json.loads(data)
    except ValueError as error:
        raise StatusUnreadable(f"{source} is not JSON: {error}") from error
    wanted = ("schemaVersion", "generatedAt", "coordinationSession", "instances", "health")
    if not isinstance(document, dict) or any(name not in document for name in wanted):
        raise StatusUnreadable(f"{source} is not a status document")
    return document


def say_age(document: dict[str, Any], source: str) -> None:
    try:
        age = ago(time.time_ns() // 1_000_000 - parse(document["generatedAt"]))
    except (TypeError, ValueError) as error:
        raise StatusUnreadable(f"{source}: generatedAt is no time") from error
    remark(f"{source}: revision {document.get('revision')}, written {age} ago")


def _show(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    from orchestrator.status.views import screen

    try:
        print("\n".join(screen(document, _columns())))
    except (KeyError, TypeError, AttributeError) as error:
        raise StatusUnreadable(f"the status document lacks {error}") from error


def _columns() -> int:
    """The terminal's width; in a pipe 100, so that the output is stable there."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 100


def _watch(as_json: bool) -> None:
    """A live screen on a terminal, elsewhere the screen again after every change."""
    from orchestrator.status.publish import current
    from orchestrator.store.sqlite import FILE, open_store

    state = find().state
    if not (state / FILE).exists():
        _show(_nothing_yet(), as_json)
        return
    store = open_store(state)
    try:
        live = sys.stdout.isatty() and not as_json
        (_live if live else _lines)(lambda: current(store), store.version, as_json)
    except KeyboardInterrupt:
        return
    finally:
        store.close()


def _lines(look: Callable[[], dict[str, Any]], version: Callable[[], int], as_json: bool) -> None:
    """One JSON document per line, or the screen once more, whenever it changed."""
    seen, shown = -1, ""
    while True:
        if version() != seen:
            seen, document = version(), look()
            body = json.dumps({**document, "generatedAt": None}, ensure_ascii=False)
            if body != shown:
                shown = body
                _line(document, as_json)
        time.sleep(_POLL)


def _line(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(document, ensure_ascii=False), flush=True)
        return
    _show(document, as_json)
    print(f"-- {document['generatedAt']}", flush=True)


def _live(look: Callable[[], dict[str, Any]], version: Callable[[], int], as_json: bool) -> None:
    from rich.live import Live
    from rich.text import Text

    from orchestrator.status.views import screen

    def picture() -> Text:
        return Text("\n".join(screen(look(), _columns())))

    seen, looked = version(), time.monotonic()
    with Live(picture(), console=console(), auto_refresh=False, screen=True) as live:
        while True:
            # Clients can end without a word in the store: look again now and then.
            if version() != seen or time.monotonic() - looked > 2.0:
                seen, looked = version(), time.monotonic()
                live.update(picture(), refresh=True)
            time.sleep(_POLL)
