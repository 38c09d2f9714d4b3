"""``orchestrate hooks``: what the hooks in the client did."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import click

from orchestrator.cli.output import json_option, remark
from orchestrator.git import find
from orchestrator.hooks.log import FIELDS, FILE, OLD

__all__ = ["command"]

_POLL = 0.2


@click.group(name="hooks")
def command() -> None:
    """What the hooks in the client did."""


@command.command(name="log")
@click.option("--follow", is_flag=True, help="Go on with what comes; Ctrl-C ends it.")
@click.option("--grep", "wanted", metavar="TEXT", help="Only lines with TEXT.")
@click.option("-n", "last", type=click.IntRange(min=1), help="Only the last N lines.")
@json_option
def log(follow: bool, wanted: str | None, last: int | None, as_json: bool) -> None:
    """One line a call: time, event, tool, path, answer, milliseconds, session."""
    folder = find().state
    there = list(_there(folder))
    lines = [line for line in there if wanted is None or wanted in line]
    if not there and not follow:
        remark("no hook has run here yet; is it installed? orchestrate doctor")
    elif not lines and not follow:
        remark(f"no line of {len(there)} has {wanted}")
    for line in lines[-last:] if last else lines:
        _show(line, as_json)
    if follow:
        for line in _coming(folder):
            if wanted is None or wanted in line:
                _show(line, as_json)


def _there(folder: Path) -> Iterator[str]:
    for name in (OLD, FILE):
        path = folder / name
        if path.is_file():
            yield from path.read_text(errors="replace").splitlines()


def _coming(folder: Path) -> Iterator[str]:
    """New lines as they are written, also after the file was put away and begun anew."""
    path = folder / FILE
    place, number = _size(path), _number(path)
    while True:
        if number is not None and _number(path) != number:
            yield from _new(folder / OLD, place)[0]
            place = 0
        number = _number(path)
        if _size(path) > place:
            lines, place = _new(path, place)
            yield from lines
        time.sleep(_POLL)


def _new(path: Path, place: int) -> tuple[list[str], int]:
    """The whole lines behind ``place``, and where they end."""
    if not path.exists():
        return [], place
    with path.open("rb") as file:
        file.seek(place)
        new = file.read()
    whole = new[: new.rfind(b"\n") + 1]
    return whole.decode(errors="replace").splitlines(), place + len(whole)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _number(path: Path) -> int | None:
    return path.stat().st_ino if path.exists() else None


def _show(line: str, as_json: bool) -> None:
    values = dict(zip(FIELDS, line.split("\t"), strict=False))
    if as_json:
        print(json.dumps({**values, "ms": float(values.get("ms") or 0)}), flush=True)
    else:
        print("  ".join(values.values()), flush=True)
