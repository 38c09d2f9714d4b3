"""A human is who has no client: neither its variables nor it among the ancestors."""

from __future__ import annotations

import os

from orchestrator.coordination.callers import caller
from orchestrator.coordination.liveness import host, started
from orchestrator.store.port import Reader
from orchestrator.testing import MemoryStore


def store_with(**columns: object) -> MemoryStore:
    store = MemoryStore()
    row = {"id": "backend", "state": "ACTIVE", "version": 1, **columns}
    store.write(lambda tx: tx.insert("instances", row))
    return store


def test_without_a_client_the_caller_is_a_human() -> None:
    who = MemoryStore().read(lambda reader: caller(reader, {}))
    assert who.human and who.actor.startswith("human:")


def test_with_a_clients_variables_it_is_not() -> None:
    who = MemoryStore().read(lambda reader: caller(reader, {"CLAUDECODE": "1"}))
    assert (who.human, who.actor) == (False, "unregistered")


def test_a_registered_session_is_its_instance() -> None:
    names = {"CLAUDE_CODE_SESSION_ID": "s-1", "CLAUDE_PID": "42"}
    who = store_with(session="s-1").read(lambda reader: caller(reader, names))
    assert (who.actor, who.session, who.pid) == ("backend", "s-1", 42)


def test_unsetting_variables_makes_nobody_a_human() -> None:
    parent = os.getppid()
    store = store_with(pid=parent, pid_started=started(parent), host=host())

    def ask(reader: Reader) -> tuple[bool, str]:
        who = caller(reader, {})
        return who.human, who.actor

    assert store.read(ask) == (False, "backend")
