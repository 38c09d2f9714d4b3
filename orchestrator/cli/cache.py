"""``orchestrate cache``: what earlier runs found, and why a check ran again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from orchestrator.cli.main import printable
from orchestrator.cli.output import json_option, print_json

if TYPE_CHECKING:
    from orchestrator.engine.caching import Explanation
    from orchestrator.verification.ledger import Entry

__all__ = ["command"]


@click.group(name="cache")
def command() -> None:
    """What earlier runs found: explain, stats, clear."""


@command.command()
@click.argument("check")
@json_option
def explain(check: str, as_json: bool) -> None:
    """Why CHECK ran, or was known, in its last run: what changed of all it depends on."""
    from orchestrator.engine import caching
    from orchestrator.git import find

    found = caching.explain(find(), check)
    if as_json:
        print_json(found.to_json())
        return
    for line in _told(found):
        print(printable(line))


@command.command()
@json_option
def stats(as_json: bool) -> None:
    """How many verdicts are remembered, and how much room they take."""
    from orchestrator.engine.caching import cache_in_force
    from orchestrator.git import find

    cache = cache_in_force(find())
    now = cache.stats()
    if as_json:
        limits = {"limit": cache.size, "max_age": cache.max_age, "folder": str(cache.folder)}
        print_json({"entries": now.entries, "size": now.size, **limits, "oldest": now.oldest,
                    "newest": now.newest})  # fmt: skip
        return
    print(f"entries  {now.entries} (verdicts and plans)")
    print(f"size     {now.size / 1e6:.2f} MB of {cache.size / 1e6:g} MB")
    print(f"used     {_when(now.oldest)} to {_when(now.newest)}" if now.entries else "used     –")
    print(f"max age  {cache.max_age / 86400:g} d")
    print(printable(f"folder   {cache.folder}"))


@command.command()
@json_option
def clear(as_json: bool) -> None:
    """Forget every verdict; the next run executes every check."""
    from orchestrator.engine.caching import cache_in_force
    from orchestrator.git import find

    gone = cache_in_force(find()).clear()
    print_json({"removed": gone}) if as_json else print(f"{gone} entries removed")


def _told(found: Explanation) -> list[str]:
    entry = found.entry
    lines = [f"{found.check}  {entry.how} in {entry.run}, {entry.outcome.replace('_', ' ')}"]
    if entry.source:
        lines.append(f"  its verdict is that of {entry.source}")
    if entry.note:
        lines.append(f"  not remembered: {entry.note}")
    if found.changed is None:
        return [*lines, "  no run before it is known, so there is nothing to compare with"]
    if not found.changed:
        return [*lines, f"  nothing it depends on has changed since {entry.before_run}",
                *_why_again(entry)]  # fmt: skip
    lines.append(f"  changed since {entry.before_run}:")
    width = max(len(name) for name, _, _ in found.changed)
    for name, before, after in found.changed:
        lines.append(f"    {name:<{width}}  {_value(before)} → {_value(after)}")
    return lines


def _why_again(entry: Entry) -> list[str]:
    """Why it ran although nothing has changed; what is said already is not said again."""
    if entry.how != "executed" or entry.again in (None, entry.note):
        return []
    earlier = f" ({entry.before_run}: {entry.before_note})" if entry.before_note else ""
    return [f"  it ran again: {entry.again}{earlier}"]


def _value(text: str | None) -> str:
    return "not there" if text is None else text if len(text) <= 60 else f"{text[:57]}…"


def _when(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "–"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
