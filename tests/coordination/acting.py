"""Stores with instances, and clients that are real processes, for the tests of sessions."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.coordination.sessions import Client, register
from orchestrator.store.port import Row, Store, Transaction


def add_instance(store: Store, name: str = "backend", **columns: object) -> None:
    row = {"id": name, "state": "STANDBY", "version": 1, "configured": 1, **columns}
    store.write(lambda tx: tx.insert("instances", row))


def row_of(store: Store, table: str, **key: str) -> Row:
    row = store.read(lambda reader: reader.get(table, **key))
    assert row is not None, f"no {key} in {table}"
    return row


def begin(
    store: Store, session: str, instance: str = "backend", pid: int | None = None,
    token: str | None = None,
) -> Row:  # fmt: skip
    """Register a session."""

    def body(tx: Transaction) -> Row:
        row = tx.get("instances", id=instance)
        assert row is not None
        return register(tx, Client(session, pid), row, token)

    return store.write(body)


def kinds(store: Store) -> list[str]:
    return [event["kind"] for event in store.events()]


@contextmanager
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A client that does nothing, ended afterwards."""
    client = subprocess.Popen(["sleep", "600"])
    try:
        yield client
    finally:
        client.kill()
        client.wait()
