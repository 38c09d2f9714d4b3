"""The validated configuration, as the rest of the program sees it.

Frozen values with every default filled in: durations are seconds, shares are
fractions (``5%`` is 0.05), paths are repository-relative with ``/``. Loading
and validating is ``config.load``; nothing here reads a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from orchestrator.plugins.json_values import Json, dumps

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
    "GitHooks",
    "Hooks",
    "Instance",
    "Layer",
    "Level",
    "Prepare",
    "Probe",
    "Request",
    "Rule",
    "Service",
    "Spans",
    "Status",
    "Step",
    "Verification",
    "Views",
]


@dataclass(frozen=True, slots=True)
class Coordinator:
    """Who coordinates, how often everything is looked at, and what lands where.

    ``transfer`` is ``merge`` (the only way today). ``push`` names a remote, or
    None: nothing is ever fetched or pushed.
    """

    instance: str = "coordinator"
    monitoring_interval: float = 30.0
    integration_branch: str = "main"
    transfer: str = "merge"
    push: str | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """One named instance. ``requires`` are the families its work must pass.

    ``worktree`` is relative to the main worktree (``../shop-backend``).
    """

    id: str
    role: str
    specializations: tuple[str, ...] = ()
    file_patterns: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    requires: tuple[str, ...] = ("integrity", "contracts", "dataflow", "benchmarks")
    hands_off_to: str | None = None
    worktree: str | None = None
    branch: str | None = None
    priority: int = 0
    expertise: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One measured command. ``max_regression`` is a share, ``budget`` seconds.

    ``measure`` is wall (unless the command tells its own figures) or cpu.

    ``min_pairs``/``max_pairs`` bound the paired runs, ``time_limit`` the whole
    measurement in seconds.
    """

    name: str
    run: str
    layer: str | None = None
    measure: str = "wall"
    max_regression: float = 0.05
    budget: float | None = None
    min_pairs: int = 6
    max_pairs: int = 200
    time_limit: float = 60.0
    timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class Prepare:
    """A command that makes a checkout usable; skipped while its files are unchanged."""

    run: str
    when_changed: tuple[str, ...] = ()
    timeout: float = 600.0


@dataclass(frozen=True, slots=True)
class SetAside:
    """A check whose failures decide nothing until the end of a day (``YYYY-MM-DD``, UTC)."""

    check: str
    until: str
    reason: str


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Flaky checks that are set aside for a while: by hand, and by a rule for ``lasts`` seconds."""

    when: str | None = None
    lasts: float = 7 * 86400.0
    checks: tuple[SetAside, ...] = ()


@dataclass(frozen=True, slots=True)
class Cache:
    """Whether verdicts are remembered: at most ``size`` bytes of them, ``max_age`` seconds long."""

    enabled: bool = True
    size: int = 100_000_000
    max_age: float = 604800.0


@dataclass(frozen=True, slots=True)
class Verification:
    """How runs are done. ``budget`` is seconds for one whole run."""

    budget: float = 900.0
    parallel: int = 2
    fail_fast: bool = False
    plugins: tuple[str, ...] = ()
    prepare: tuple[Prepare, ...] = ()
    keep: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    quarantine: Quarantine = field(default_factory=Quarantine)
    cache: Cache = field(default_factory=Cache)


@dataclass(frozen=True, slots=True)
class Evidence:
    """``sign_with`` is the SSH key evidence is signed with, or ``git`` for the one git signs with.

    ``allowed_signers`` is the file that says whose signatures count.
    """

    sign_with: str | None = None
    allowed_signers: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One CEL rule. A shadow rule (``enforce`` false) is evaluated and only reported."""

    when: str
    enforce: bool = True


@dataclass(frozen=True, slots=True)
class Approval:
    """When a handoff is approved or sent back without anybody being asked."""

    auto: bool = True
    ownership: str = "warn"
    approve_when: str = (
        "report.failed == 0 && report.inconclusive == 0 && report.errored == 0 "
        "&& report.flaky == 0 && handoff.violations == 0"
    )
    reject_when: str = "report.failed > 0"
    max_attempts: int = 5
    approvers: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Level:
    """One rung of the escalation ladder; times in seconds."""

    name: str
    notify: tuple[str, ...] = ()
    ack_within: float = 900.0
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Escalation:
    """What a human is asked. ``threshold`` names a preset of ``policy.verdict``."""

    threshold: str = "critical_failures_only"
    levels: tuple[Level, ...] = (Level("humans", ack_within=14400.0),)
    always_when: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class EmergencyRule:
    """What happens at once when ``when`` holds. Actions are names of ``policy.emergency``."""

    when: str
    do: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Views:
    """Which files for scripts of the replaced systems are written; paths in ``status.views``."""

    work_registry: bool = False
    locks: bool = False
    decision_log: bool = False
    heartbeats: bool = False
    instance_registry: bool = False
    task_queue: bool = False
    communication_log: bool = False
    decisions: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """What is written beside the status document."""

    views: Views = field(default_factory=Views)


@dataclass(frozen=True, slots=True)
class GitHooks:
    """How the hooks in git behave.

    ``humans``: ``warn`` tells a human and goes on, ``refuse`` stops them like an
    instance. ``protect``: the integration branch takes no direct commits of instances.
    """

    humans: str = "warn"
    protect: bool = True
    verify_on_push: bool = False


@dataclass(frozen=True, slots=True)
class Hooks:
    """How the hooks in the client behave.

    ``release``: a lease taken by an edit lives until the ``handoff`` or only
    while the tool runs (``after_tool``). ``on_failure``: what becomes of an edit
    nobody could decide about, ``refuse`` or ``warn``.
    """

    release: str = "handoff"
    on_failure: str = "refuse"


@dataclass(frozen=True)
class Config:
    """The whole configuration. ``source`` is the path it was read from, repository-relative.

    ``digest`` is the sha256 (hex) of the canonical JSON, so two files that say
    the same have the same digest.
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
        return hashlib.sha256(dumps(self._json).encode()).hexdigest()
