"""Asks a service, once, whether it can be used yet."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.plugins.builtin.dataflow import client
from orchestrator.plugins.builtin.dataflow.stage import Stage
from orchestrator.plugins.spec import Json

__all__ = ["PAUSE", "Trouble", "trouble"]

#: Seconds between two questions.
PAUSE = 0.05
#: Seconds one question may take.
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why it is not ready. ``final``: asking again will not help."""

    reason: str
    final: bool = False


def trouble(ready: Mapping[str, Json], port: int, stage: Stage, until: float) -> Trouble | None:
    """None when it is ready, else why not."""
    limit = max(min(_PATIENCE, until - time.monotonic()), 0.1)
    if ready.get("run"):
        return _by_command(ready["run"].replace("{port}", str(port)), stage, limit)
    if ready.get("http"):
        address = ready["http"].replace("{port}", str(port))
        if address.startswith("/"):
            address = f"http://127.0.0.1:{port}{address}"
        return _by_http(stage.fill(address, quoted=False), limit)
    return _by_connection(ready.get("tcp") or port, limit)


def _by_command(command: str, stage: Stage, limit: float) -> Trouble | None:
    done = stage.run(stage.fill(command), timeout=limit)
    if done.ok:
        return None
    if done.status == "missing":
        return Trouble("the command that asks cannot be run: is it there?", final=True)
    if done.status == "timeout":
        return Trouble("the command that asks did not end")
    return Trouble(f"the command that asks ended with status {done.code}")


def _by_http(url: str, limit: float) -> Trouble | None:
    try:
        answer = client.ask(client.Question("GET", url), limit)
    except client.NoAnswer as error:
        return Trouble(str(error))
    except client.Refused as error:
        return Trouble(error.message, final=True)
    return None if answer.status < 400 else Trouble(f"it answered {answer.status}")


def _by_connection(port: int, limit: float) -> Trouble | None:
    try:
        with socket.create_connection(("localhost", port), limit):
            return None
    except OSError:
        return Trouble("its port takes no connections")
