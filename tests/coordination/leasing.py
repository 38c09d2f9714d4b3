"""Helpers of the tests of leases: one short call for one caller's step."""

from __future__ import annotations

import os
from typing import Any

from orchestrator.coordination import leases
from orchestrator.coordination.leases import Acquired, Held, Standing
from orchestrator.coordination.liveness import host, started
from orchestrator.coordination.paths import ROOT, Target, file_target
from orchestrator.store.port import Row, Store

__all__ = ["acquired", "at", "check", "event_kinds", "session", "take"]


def at(text: str) -> Target:
    """A target as written in a test: ``src/`` a folder, ``a*`` a glob, else a file."""
    if "*" in text:
        return Target("glob", text, text.split("*")[0].rpartition("/")[0])
    if text.endswith("/") or text == ROOT:
        path = text.rstrip("/")
        return Target("folder", path, "" if path == ROOT else path)
    return file_target(text)


def take(store: Store, who: str, *paths: str, **options: Any) -> Acquired | Held:
    """``who`` acquires ``paths``."""
    wants = [at(path) for path in paths]
    return store.write(lambda tx: leases.acquire(tx, wants, instance=who, **options))


def acquired(store: Store, who: str, *paths: str, **options: Any) -> tuple[Row, ...]:
    """As ``take``, for what has to succeed; the rows."""
    got = take(store, who, *paths, **options)
    assert isinstance(got, Acquired), got
    return got.leases


def check(store: Store, who: str, path: str, **options: Any) -> Standing:
    return store.read(lambda reader: leases.check(reader, at(path), instance=who, **options))


def session(store: Store, name: str, instance: str, pid: int | None = None, **more: Any) -> None:
    """Register a session whose client is process ``pid`` (default: this one)."""
    pid = os.getpid() if pid is None else pid
    row = {"id": name, "instance": instance, "pid": pid, "pid_started": started(pid) or "gone"}
    store.write(lambda tx: tx.insert("sessions", {**row, "host": host(), **more}))


def event_kinds(store: Store) -> list[str]:
    return [event["kind"] for event in store.events()]
