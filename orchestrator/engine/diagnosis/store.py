"""The store, and who coordinates."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.coordination.callers import caller
from orchestrator.engine.diagnosis.finding import Finding
from orchestrator.engine.lease import coordinator
from orchestrator.git import Repository
from orchestrator.store import backup
from orchestrator.store.errors import Corrupt
from orchestrator.store.sqlite import open_store

__all__ = ["mend", "probe"]


def probe(repository: Repository) -> Iterator[Finding]:
    store = open_store(repository.state)
    try:
        events = store.verify_events()
        yield Finding("store", "ok", f"{repository.state}: {events} events, chain sound")
        holder, who = store.read(lambda reader: (coordinator(reader), caller(reader)))
    finally:
        store.close()
    yield Finding("you", "ok", who.actor if who.human else f"instance {who.actor}")
    if holder:
        yield Finding("watch", "ok", f"{holder['holder']} on {holder['host']} ({holder['pid']})")
    else:
        yield Finding("watch", "off", "nobody coordinates", "orchestrate watch")


def mend(repository: Repository) -> list[str]:
    """Restore a corrupt store from its last good copy, and say what was lost."""
    try:
        store = open_store(repository.state)
    except Corrupt:
        return [backup.restore(repository.state)]
    try:
        store.verify_events()
    except Corrupt:
        store.close()
        return [backup.restore(repository.state)]
    store.close()
    return []
