"""Layers of a project with their checks and gates, and what they promise each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.plugins.json_values import Json

__all__ = ["Check", "Contract", "Gate", "Layer", "Ratchet"]


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a layer: a command with an optional report, or import rules.

    Exactly one of ``run`` and ``imports`` is set. ``report`` is
    ``{"format": "junit"|"coverage"|"sarif"|"ctrf", "path": str|None}``; the
    command finds the file to write in ``{report}``. ``imports`` is
    ``{"layers": [...], "root": str|None}``. ``uses`` names a third-party
    plugin, with its own keys in ``options``. ``cache`` False: its verdict is
    never replayed. ``inputs`` are patterns of what it reads; none: everything.
    """

    name: str
    run: str | None = None
    report: Mapping[str, Json] | None = None
    imports: Mapping[str, Json] | None = None
    uses: str | None = None
    options: Mapping[str, Json] = field(default_factory=dict)
    timeout: float = 300.0
    cache: bool = True
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """Two rules over a layer's metrics; where neither holds, the gate is inconclusive."""

    pass_when: str
    fail_when: str


@dataclass(frozen=True, slots=True)
class Ratchet:
    """A metric that may not get worse than on the base by more than ``slack``."""

    metric: str
    slack: float = 0.0


@dataclass(frozen=True, slots=True)
class Layer:
    """One architectural layer. ``input`` and ``output`` name contracts, ``input`` also several.

    ``inputs`` are those of each of its checks that has none of its own.
    """

    name: str
    paths: tuple[str, ...]
    depends_on: tuple[str, ...] = ()
    kind: str | None = None
    input: str | tuple[str, ...] | None = None
    output: str | None = None
    checks: tuple[Check, ...] = ()
    gates: tuple[str | Gate, ...] = ()
    inputs: tuple[str, ...] = ()
    ratchets: tuple[Ratchet, ...] = ()


@dataclass(frozen=True, slots=True)
class Contract:
    """One interface. ``kind`` is json-schema, openapi, python, graphql, protobuf or avro.

    ``compatibility`` is none, backward, forward, full or one of the last three
    with ``-transitive``. ``direction`` is input, output or both. ``samples``
    is a glob. ``content_model`` is closed or open. ``package`` is for python,
    ``policy`` (file, package, wire-json or wire) for protobuf.
    """

    name: str
    kind: str
    path: str
    compatibility: str = "backward"
    direction: str = "both"
    samples: str | None = None
    content_model: str = "closed"
    package: str | None = None
    policy: str = "file"
