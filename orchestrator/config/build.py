"""Makes the frozen model from data that was found to be right. Fills in every default.

Checks nothing: what arrives here has the shape of the schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from orchestrator.config.model import (
    Approval,
    Benchmark,
    Cache,
    Check,
    Config,
    Contract,
    Coordinator,
    EmergencyRule,
    Escalation,
    Evidence,
    Expectation,
    Flow,
    Gate,
    GitHooks,
    Hooks,
    Instance,
    Layer,
    Level,
    Prepare,
    Probe,
    Quarantine,
    Ratchet,
    Request,
    Rule,
    Service,
    SetAside,
    Spans,
    Status,
    Step,
    Verification,
    Views,
)
from orchestrator.config.names import check_names
from orchestrator.plugins.spec import Json

__all__ = ["build", "seconds", "share", "size"]

T = TypeVar("T")
Data = Mapping[str, Json]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"KB": 1000, "MB": 1000**2, "GB": 1000**3}


def seconds(value: str | float) -> float:
    """``30s``, ``5m``, ``250ms``, ``1h``, ``1d`` or a number of seconds, as seconds."""
    if not isinstance(value, str):
        return float(value)
    number = value.rstrip("abcdefghijklmnopqrstuvwxyz")
    return float(number) * _UNITS[value[len(number) :]]


def share(value: str | float) -> float:
    """``5%`` or ``0.05``, as a fraction."""
    return float(value[:-1]) / 100 if isinstance(value, str) else float(value)


def size(value: str | int) -> int:
    """``200MB`` (powers of 1000) or a number of bytes, as bytes."""
    if not isinstance(value, str):
        return int(value)
    return int(float(value[:-2]) * _SIZES[value[-2:]])


def build(data: Data, source: str) -> Config:
    """The configuration ``data`` describes, read from ``source``."""
    coordinator = _make(Coordinator, data.get("coordinator", {}), monitoring_interval=seconds)
    return Config(
        project=data["project"],
        version=data["version"],
        coordinator=coordinator,
        instances=_instances(data.get("instances", {}), coordinator.instance),
        layers=_each(data["layers"], _layer),
        integration_tests=_checks(data.get("integration_tests", [])),
        contracts=_each(data.get("contracts", {}), _contract),
        services=_each(data.get("services", {}), _service),
        flows=_each(data.get("flows", {}), _flow),
        benchmarks=_each(data.get("benchmarks", {}), _benchmark),
        verification=_verification(data.get("verification", {})),
        approval=_make(Approval, data.get("approval", {})),
        escalation=_escalation(data.get("escalation", {})),
        emergency=tuple(_make(EmergencyRule, entry) for entry in data.get("emergency", [])),
        notify=dict(data.get("notify", {})),
        evidence=_make(Evidence, data.get("evidence", {})),
        status=_make(Status, data.get("status", {}), views=lambda entry: _make(Views, entry)),
        git_hooks=_make(GitHooks, data.get("git_hooks", {})),
        hooks=_make(Hooks, data.get("hooks", {})),
        source=source,
    )


def _make(
    kind: Callable[..., T],
    data: Data,
    /,
    *,
    extra: Data | None = None,
    **convert: Callable[[Any], Any],
) -> T:
    """``kind`` from the keys that are there, converted; lists become tuples."""
    values = {key: convert.get(key, _frozen)(value) for key, value in data.items()}
    return kind(**{**values, **(extra or {})})


def _frozen(value: Json) -> Json:
    return tuple(value) if isinstance(value, list) else value


def _each(section: Data, make: Callable[[str, Data], T]) -> dict[str, T]:
    return {name: make(name, entry) for name, entry in section.items()}


def _instances(section: Data, coordinator: str) -> dict[str, Instance]:
    """The instances, with the coordinator's made where it has no entry."""
    found = _each(section, lambda name, entry: _make(Instance, entry, extra={"id": name}))
    if coordinator not in found:
        found[coordinator] = Instance(coordinator, "INTEGRATION_COORDINATION")
    return found


def _layer(name: str, data: Data) -> Layer:
    return _make(
        Layer, data, extra={"name": name}, checks=_checks, gates=_gates, ratchets=_ratchets
    )


def _gates(entries: Sequence[str | Data]) -> tuple[str | Gate, ...]:
    return tuple(entry if isinstance(entry, str) else _make(Gate, entry) for entry in entries)


def _ratchets(entries: Sequence[str | Data]) -> tuple[Ratchet, ...]:
    return tuple(
        Ratchet(entry) if isinstance(entry, str) else _make(Ratchet, entry, slack=share)
        for entry in entries
    )


def _checks(entries: Sequence[Data]) -> tuple[Check, ...]:
    return tuple(
        _make(
            Check, entry, extra={"name": name}, timeout=seconds, report=_report, imports=_imports,
            options=dict,
        )
        for name, entry in zip(check_names(entries), entries, strict=True)
    )  # fmt: skip


def _report(data: Data) -> Data:
    return {"format": data.get("format"), "path": data.get("path")}


def _imports(data: Data) -> Data:
    return {"layers": list(data["layers"]), "root": data.get("root")}


def _contract(name: str, data: Data) -> Contract:
    return _make(Contract, data, extra={"name": name})


def _flow(name: str, data: Data) -> Flow:
    return _make(Flow, data, extra={"name": name}, steps=_steps, timeout=seconds, spans=_spans)


def _steps(entries: Sequence[Data]) -> tuple[Step, ...]:
    return tuple(
        _make(Step, entry, timeout=seconds, input=_as_it_is, http=_request) for entry in entries
    )


def _request(data: Data) -> Request:
    return _make(Request, data)


def _spans(data: Data) -> Spans:
    return _make(Spans, data, expect=_expected)


def _expected(entries: Sequence[Data]) -> tuple[Expectation, ...]:
    return tuple(_make(Expectation, entry, max_duration=seconds) for entry in entries)


def _service(name: str, data: Data) -> Service:
    return _make(Service, data, extra={"name": name}, ready=_probe)


def _probe(data: Data) -> Probe:
    return _make(Probe, data, within=seconds)


def _as_it_is(value: Json) -> Json:
    return value


def _benchmark(name: str, data: Data) -> Benchmark:
    times = dict.fromkeys(("budget", "time_limit", "timeout"), seconds)
    return _make(Benchmark, data, extra={"name": name}, max_regression=share, **times)


def _verification(data: Data) -> Verification:
    return _make(
        Verification, data, budget=seconds, prepare=_prepare, quarantine=_quarantine, cache=_cache
    )


def _quarantine(data: Data) -> Quarantine:
    return _make(Quarantine, data, lasts=seconds, checks=_set_aside)


def _set_aside(entries: Sequence[Data]) -> tuple[SetAside, ...]:
    return tuple(_make(SetAside, entry) for entry in entries)


def _cache(data: Data) -> Cache:
    return _make(Cache, data, size=size, max_age=seconds)


def _prepare(entries: Sequence[Data]) -> tuple[Prepare, ...]:
    return tuple(_make(Prepare, entry, timeout=seconds) for entry in entries)


def _escalation(data: Data) -> Escalation:
    return _make(Escalation, data, levels=_levels, always_when=_rules)


def _levels(entries: Sequence[Data]) -> tuple[Level, ...]:
    return tuple(_make(Level, entry, ack_within=seconds) for entry in entries)


def _rules(entries: Sequence[str | Data]) -> tuple[Rule, ...]:
    return tuple(Rule(entry) if isinstance(entry, str) else _make(Rule, entry) for entry in entries)
