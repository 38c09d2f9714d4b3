"""Libraries and programs that this configuration needs, and that may not be here."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from orchestrator.config.load import in_force
from orchestrator.config.model import Config, Flow
from orchestrator.engine.diagnosis.finding import Finding
from orchestrator.git import Repository

__all__ = ["probe"]

#: Kind of contract → what reads it, and whether that is a module or a program.
_READERS = {
    "graphql": ("graphql-core", "graphql"),
    "avro": ("avro", "avro"),
    "protobuf": ("buf", None),
}
_EXTRA = "pip install 'handoff-orchestrator[contracts]'"
_HTTP = "pip install 'handoff-orchestrator[http]'"


def probe(repository: Repository) -> Iterator[Finding]:
    config = in_force(repository)
    kinds: dict[str, list[str]] = {}
    for contract in config.contracts.values():
        kinds.setdefault(contract.kind, []).append(contract.name)
    for kind, names in sorted(kinds.items()):
        if kind in _READERS:
            yield _reader(kind, names)
    if asking := [flow.name for flow in config.flows.values() if _asks(flow, config)]:
        yield _requests(asking)
    if "openapi" in kinds:
        found = shutil.which("oasdiff")
        words = found or "not on PATH: our own comparison of OpenAPI is used alone"
        yield Finding("oasdiff", "ok" if found else "off", words,
                      None if found else "https://github.com/oasdiff/oasdiff")  # fmt: skip


def _asks(flow: Flow, config: Config) -> bool:
    """Whether a flow needs HTTP: for a step, or to tell that a service is ready."""
    ready = (config.services[name].ready for name in flow.services if name in config.services)
    return any(step.http for step in flow.steps) or any(probe.http for probe in ready)


def _requests(flows: list[str]) -> Finding:
    words = f"makes the requests of flows: {', '.join(flows)}"
    if _installed("httpx"):
        return Finding("httpx", "ok", words)
    return Finding("httpx", "broken", f"missing; {words}. Their checks are errored", _HTTP)


def _reader(kind: str, names: list[str]) -> Finding:
    name, module = _READERS[kind]
    there = _installed(module) if module else _program(name)
    words = f"reads {kind}: {', '.join(names)}"
    if there:
        return Finding(name, "ok", words)
    return Finding(name, "broken", f"missing; {words}. Their checks are errored", _EXTRA)


def _installed(module: str) -> bool:
    return find_spec(module) is not None


def _program(name: str) -> bool:
    return Path(sys.executable).with_name(name).is_file() or shutil.which(name) is not None
