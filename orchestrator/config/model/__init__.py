"""The validated configuration, as the rest of the program sees it.

Frozen values with every default filled in: durations are seconds, shares are
fractions (``5%`` is 0.05), paths are repository-relative with ``/``. Loading
and validating is ``config.load``; nothing here reads a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import Any

from orchestrator.config.model.coordination import (
    Coordinator,
    GitHooks,
    Hooks,
    Instance,
    Status,
    Views,
)
from orchestrator.config.model.flows import Expectation, Flow, Probe, Request, Service, Spans, Step
from orchestrator.config.model.judgement import Approval, EmergencyRule, Escalation, Level, Rule
from orchestrator.config.model.layers import Check, Contract, Gate, Layer, Ratchet
from orchestrator.config.model.verification import (
    Benchmark,
    Cache,
    Evidence,
    Prepare,
    Quarantine,
    SetAside,
    Verification,
)
from orchestrator.plugins.json_values import dumps

__all__ = [
    "Approval",
    "Benchmark",
    "Cache",
    "Check",
    "Config",
    "Contract",
    "Coordinator",
    "EmergencyRule",
    "Escalation",
    "Evidence",
    "Expectation",
    "Flow",
    "Gate",
    "GitHooks",
    "Hooks",
    "Instance",
    "Layer",
    "Level",
    "Prepare",
    "Probe",
    "Quarantine",
    "Ratchet",
    "Request",
    "Rule",
    "Service",
    "SetAside",
    "Spans",
    "Status",
    "Step",
    "Verification",
    "Views",
]


@dataclass(frozen=True)
class Config:
    """The whole configuration. ``source`` is the path it was read from, repository-relative.

    ``digest`` is the sha256 (hex) of the canonical JSON of what is not left at
    its default: two files that say the same have the same digest, and so has one
    file under a later version that knows more keys.
    """

    project: str
    layers: Mapping[str, Layer]
    version: int = 1
    coordinator: Coordinator = field(default_factory=Coordinator)
    instances: Mapping[str, Instance] = field(default_factory=dict)
    integration_tests: tuple[Check, ...] = ()
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    flows: Mapping[str, Flow] = field(default_factory=dict)
    benchmarks: Mapping[str, Benchmark] = field(default_factory=dict)
    verification: Verification = field(default_factory=Verification)
    approval: Approval = field(default_factory=Approval)
    escalation: Escalation = field(default_factory=Escalation)
    emergency: tuple[EmergencyRule, ...] = ()
    notify: Mapping[str, str] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    status: Status = field(default_factory=Status)
    git_hooks: GitHooks = field(default_factory=GitHooks)
    hooks: Hooks = field(default_factory=Hooks)
    source: str = "config/orchestrate.yaml"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON with every default; what plugins plan from and ``config show`` prints.

        Made once, so not to be changed.
        """
        return self._json

    @cached_property
    def _json(self) -> dict[str, Any]:
        value = asdict(self)
        value.pop("source")
        return value

    @cached_property
    def digest(self) -> str:
        said = {name: value for name, value in _said(self).items() if name != "source"}
        return hashlib.sha256(dumps(said).encode()).hexdigest()


def _said(value: Any) -> Any:
    """Plain JSON without what is at its default."""
    if is_dataclass(value):
        held = ((each, getattr(value, each.name)) for each in fields(value))
        return {each.name: _said(v) for each, v in held if v != _default(each)}
    if isinstance(value, Mapping):
        return {name: _said(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return [_said(each) for each in value]
    return value


def _default(of: Field[Any]) -> Any:
    """What a field holds where nothing is said; ``MISSING`` where something must be."""
    return of.default if of.default_factory is MISSING else of.default_factory()
