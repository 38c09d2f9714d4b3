"""Flows through the layers, and the services that run meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.plugins.json_values import Json

__all__ = ["Expectation", "Flow", "Probe", "Request", "Service", "Spans", "Step"]


@dataclass(frozen=True, slots=True)
class Probe:
    """How to tell that a service can be used: at most one of ``http``, ``tcp`` and ``run``.

    None of them: its own port takes connections. ``within`` is seconds.
    """

    http: str | None = None
    tcp: int | None = None
    run: str | None = None
    within: float = 30.0


@dataclass(frozen=True, slots=True)
class Service:
    """A program that runs while a flow does. ``environment`` are variables of its own."""

    name: str
    run: str
    layer: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Probe = field(default_factory=Probe)


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a step. ``status`` None: any from 200 to 299."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    external: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a flow: a command or a request. Exactly one of ``run`` and ``http`` is set.

    ``input`` is the payload of the first step; a later step without one reads
    the output of the step before.
    """

    name: str
    run: str | None = None
    layer: str | None = None
    input: Json = None
    timeout: float = 60.0
    http: Request | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """Spans of one name; ``status`` None: not in an error. ``max_duration`` is seconds."""

    name: str
    service: str | None = None
    parent: str | None = None
    min: int = 1
    max: int | None = None
    status: str | None = None
    max_duration: float | None = None


@dataclass(frozen=True, slots=True)
class Spans:
    """What traces written during a flow have to show. ``file`` None: the one given to it."""

    expect: tuple[Expectation, ...]
    file: str | None = None
    others: str = "allow"


@dataclass(frozen=True, slots=True)
class Flow:
    """An executed path through the layers.

    ``invariants`` are CEL, or one ready-made invariant with its places
    (``{"round_trip": [...]}``). ``cache`` None: unless it has services or requests.
    """

    name: str
    steps: tuple[Step, ...]
    invariants: tuple[str | Mapping[str, Json], ...] = ()
    timeout: float = 300.0
    services: tuple[str, ...] = ()
    set_up: tuple[str, ...] = ()
    tear_down: tuple[str, ...] = ()
    spans: Spans | None = None
    cache: bool | None = None
