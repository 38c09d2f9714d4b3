"""The contract between orchestrate and a verification plugin.

A plugin *plans* checks from the project's configuration and *executes* one at
a time. Both happen in a worker process that can be killed, in the checkout of
the candidate, never in the process that decides. The built-in families enter
through this same door.

A plugin is a module or object with functions of the names below, marked with
``hookimpl``::

    from orchestrator.plugins.spec import Check, CheckContext, CheckResult, Outcome, hookimpl

    @hookimpl
    def orchestrate_plugin() -> PluginInfo: ...
    @hookimpl
    def orchestrate_plan(request: PlanRequest) -> list[Check]: ...
    @hookimpl
    def orchestrate_execute(check: Check, context: CheckContext) -> CheckResult: ...

Everything that crosses the process border is a frozen dataclass of JSON values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from orchestrator.plugins.json_values import Json, dumps

if TYPE_CHECKING:
    import pluggy

    #: Marks a plugin's functions.
    hookimpl = pluggy.HookimplMarker("orchestrator")

__all__ = [
    "API_VERSION",
    "ENTRY_POINT_GROUP",
    "FAMILIES",
    "Check",
    "CheckContext",
    "CheckResult",
    "CommandResult",
    "Finding",
    "Json",
    "Outcome",
    "PlanRequest",
    "PluginInfo",
    "Severity",
    "dumps",
    "hookimpl",
]

#: Raised when a hook changes shape; a plugin built for another major is refused.
API_VERSION = 1
ENTRY_POINT_GROUP = "orchestrator"


def __getattr__(name: str) -> object:
    """``hookimpl``, for the processes that load plugins: all others do without its library."""
    if name != "hookimpl":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pluggy

    return pluggy.HookimplMarker("orchestrator")


#: Family name → its key in reports, the key of the framework's document.
FAMILIES: dict[str, str] = {
    "integrity": "layerIntegrity",
    "contracts": "contractCompliance",
    "dataflow": "dataFlowValidation",
    "benchmarks": "performanceBenchmarks",
}


class Outcome(StrEnum):
    """How a check ended. Only ``passed`` approves.

    ``failed``: the work needs remediation. ``errored``: we could not tell
    (missing binary, timeout, unreadable report). ``inconclusive``: the check
    ran and the evidence does not decide.
    """

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    ERRORED = "errored"
    SKIPPED = "skipped"
    NOT_RUN = "not_run"


class Severity(StrEnum):
    """How much a finding matters, worst first."""

    BREAKING = "breaking"
    DANGEROUS = "dangerous"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found, with what to do about it.

    ``rule`` is the stable id of what was violated (``schema.lost-values``);
    ``file`` is relative to the repository, ``line`` counts from 1;
    ``evidence`` is a JSON object: the lost set, a counterexample, an interval.
    """

    rule: str
    severity: Severity
    message: str
    file: str | None = None
    line: int | None = None
    remedy: str | None = None
    evidence: Mapping[str, Json] = field(default_factory=dict)

    def fingerprint(self, check: str) -> str:
        """16 hex digits, the same for the same trouble at another line.

        So a message holds no measured figure: that belongs into ``evidence``.
        """
        parts = [check, self.rule, self.file or "", self.message]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Check:
    """One planned check: what a worker executes.

    ``id`` is unique in the run and stable between runs (``service/pytest``).
    ``spec`` is whatever the plugin needs to execute it (JSON). ``needs`` are
    ids that must have *passed* first, else this one is not_run; ``after`` are
    ids that must merely have ended (a gate reads the metrics of failed tests).
    ``exclusive`` checks run alone, last. ``needs_base`` asks for a checkout of
    the base too. ``timeout`` in seconds. ``cost`` orders a rank, cheap first.
    A verdict that passed is replayed while nothing the check could read has
    changed; ``cache`` False forbids that (it looks at the clock, the network),
    and so does ``deterministic`` False. ``inputs`` are patterns of all it reads
    beside the files of its layer and of those below; none: the whole tree.
    """

    id: str
    family: str
    plugin: str
    title: str
    layer: str | None = None
    spec: Mapping[str, Json] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    timeout: float = 300.0
    cost: float = 1.0
    exclusive: bool = False
    needs_base: bool = False
    deterministic: bool = True
    cache: bool = True
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What executing a check gave. ``reason`` is required unless it passed.

    ``metrics`` are numbers by dotted name (``tests.failed``); ``output`` is the
    end of what the command printed; ``data`` is anything a report may show
    (samples of a benchmark, surfaces not examined), JSON, at most 256 KiB.
    """

    outcome: Outcome
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    output: str = ""
    data: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """A plain JSON object; ``from_json`` is its inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> CheckResult:
        findings = tuple(
            Finding(**{**item, "severity": Severity(item["severity"])})
            for item in value.get("findings", ())
        )
        return cls(
            outcome=Outcome(value["outcome"]),
            reason=value.get("reason", ""),
            findings=findings,
            metrics=dict(value.get("metrics", {})),
            output=value.get("output", ""),
            data=dict(value.get("data", {})),
        )


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """Who a plugin is: bound into the evidence of every run.

    ``api`` is the ``API_VERSION`` the plugin was built for. The default is not
    today's version but the first: a plugin that says nothing was built for that.
    """

    name: str
    version: str
    family: str
    api: int = 1


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a plugin plans from.

    ``config`` is the whole validated configuration as JSON, the rules in
    force (the base's, in a coordinated run). ``layers`` are the affected layer
    names in dependency order. ``changed`` are repository-relative paths, or
    None when everything is to be checked. ``project_wide`` is False when the
    caller asked for single layers. ``checkout`` is the candidate's tree.
    """

    config: Mapping[str, Json]
    layers: tuple[str, ...]
    changed: tuple[str, ...] | None
    checkout: str
    base: str | None
    project_wide: bool = True


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended. ``status`` is exited, timeout, stopped, signalled or missing.

    ``code`` is the exit code, or the signal's number when signalled. ``output``
    is stdout and stderr as they came, the middle cut out past the limit;
    ``stdout`` is stdout alone with the same limit. ``seconds`` is wall time.
    """

    status: str
    code: int
    output: str
    stdout: str
    seconds: float
    truncated: bool = False

    @property
    def ok(self) -> bool:
        return self.status == "exited" and self.code == 0


class CommandRunner(Protocol):
    """Runs a command line in its own session and ends all its descendants."""

    def __call__(
        self,
        command: str | Sequence[str],
        *,
        cwd: str,
        environment: Mapping[str, str],
        timeout: float,
        stdin: bytes | None = None,
        stop: int | None = None,
    ) -> CommandResult: ...


@dataclass(frozen=True, slots=True)
class CheckContext:
    """Where a check executes.

    ``checkout`` is the absolute path of the candidate's tree, ``base_checkout``
    that of the base's when the check asked for it. ``scratch`` is an empty
    folder for reports, gone after the run. ``upstream`` holds the results of
    the checks in ``needs`` and ``after``, by id. ``repository`` is the git
    folder, for reading other revisions.
    """

    checkout: str
    scratch: str
    commit: str
    base: str | None
    base_checkout: str | None
    repository: str
    environment: Mapping[str, str]
    base_environment: Mapping[str, str]
    timeout: float
    config: Mapping[str, Json]
    upstream: Mapping[str, CheckResult]
    runner: CommandRunner

    def run(
        self,
        command: str | Sequence[str],
        *,
        on_base: bool = False,
        timeout: float | None = None,
        stdin: bytes | None = None,
        extra: Mapping[str, str] | None = None,
        stop: int | None = None,
    ) -> CommandResult:
        """Run ``command`` in the candidate's (or the base's) checkout.

        A string goes to ``/bin/sh -c``. ``extra`` is added to the allow-listed
        environment. ``stop`` is a file descriptor: when it becomes readable the
        command is ended, its status ``stopped`` (how a service, run in a thread,
        is told to leave). Never raises for what the command does.
        """
        where = self.base_checkout if on_base else self.checkout
        if where is None:
            raise ValueError("this check did not ask for the base (Check.needs_base)")
        environment = self.base_environment if on_base else self.environment
        return self.runner(
            command,
            cwd=where,
            environment={**environment, **(extra or {})},
            timeout=self.timeout if timeout is None else timeout,
            stdin=stdin,
            stop=stop,
        )


def orchestrate_plugin() -> PluginInfo:  # type: ignore[empty-body]  # a specification
    """Say who you are: name, version, family and the API you were built for."""


def orchestrate_plan(request: PlanRequest) -> list[Check]:  # type: ignore[empty-body]  # as above
    """Plan the checks this plugin would run. Read files, run nothing."""


def orchestrate_execute(  # type: ignore[empty-body]  # as above
    check: Check, context: CheckContext
) -> CheckResult:
    """Execute one check this plugin planned. Raise only for your own defects."""
