"""Runs the checks of one candidate and says what was found. Never raises for what they do.

Decides nothing about the handoff: that is policy. Runs nothing itself: that is
the executor's, a port with a local pool behind it today.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from orchestrator.config.model import Config
from orchestrator.errors import OrchestrateError
from orchestrator.git import Repository
from orchestrator.plugins.remote import PluginTrouble
from orchestrator.plugins.spec import (
    FAMILIES,
    Check,
    CheckResult,
    CommandResult,
    Json,
    Outcome,
    PlanRequest,
)
from orchestrator.plugins.wire import Described, PluginDescription
from orchestrator.verification.bracket import Bracket, Judged, MakeContext
from orchestrator.verification.checkout import Candidate
from orchestrator.verification.next_rules import CHECK, next_rules
from orchestrator.verification.outcome import CheckReport, Report
from orchestrator.verification.plan import Order, Plan, affected, arrange
from orchestrator.verification.progress import Listener, Silent
from orchestrator.verification.rules import Rules
from orchestrator.verification.shadow import by_configuration
from orchestrator.verification.site import Site

__all__ = ["Executor", "Request", "verify"]

#: Seconds one plugin may take to plan.
PLAN_TIMEOUT = 60.0


class Executor(Protocol):
    """Where plugins run. Calls block; several threads call at once, at most ``parallel``."""

    parallel: int

    def describe(self) -> Described:
        """Every plugin, usable or not."""

    def plan(self, plugin: PluginDescription, request: PlanRequest, timeout: float) -> list[Check]:
        """What a plugin plans. Raises ``PluginTrouble``."""

    def execute(
        self,
        plugin: PluginDescription,
        check: Check,
        context: Mapping[str, Json],
        timeout: float,
    ) -> CheckResult:
        """Execute one check. Raises ``PluginTrouble``."""

    def command(
        self, command: str, cwd: str, environment: Mapping[str, str], timeout: float
    ) -> CommandResult:
        """Run a command of the project's own. Raises ``PluginTrouble``."""

    def abort(self) -> None:
        """End everything now; every call fails from here on."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to verify and under which rules.

    ``everything`` checks all layers, whatever changed; ``layers`` (names)
    checks these alone and nothing project-wide. ``policy_from`` says in the
    report whose rules were in force; ``warnings`` are put into it first.
    """

    repository: Repository
    candidate: Candidate
    rules: Rules
    run_id: str
    everything: bool = False
    layers: tuple[str, ...] | None = None
    policy_from: str = "base"
    warnings: tuple[str, ...] = ()


def verify(
    request: Request,
    *,
    executor: Executor,
    listener: Listener | None = None,
    stop: threading.Event | None = None,
) -> Report:
    """Run every check the plan has for the candidate; the report of what was found.

    ``stop`` ends everything quickly: what has not ended then did not run.
    """
    return _Run(request, executor, listener or Silent(), stop or threading.Event()).report()


class _Run:
    """One run from its start to its report."""

    def __init__(
        self, request: Request, executor: Executor, listener: Listener, stop: threading.Event
    ) -> None:
        self._request = request
        self._config = request.rules.config
        self._executor = executor
        self._listener = listener
        self._stop = stop
        self._started = time.time()
        self._deadline = time.monotonic() + self._config.verification.budget
        self._plugins: dict[str, PluginDescription] = {}
        self._versions: dict[str, str] = {}
        self._reports: dict[str, CheckReport] = {}
        self._failed_on_base: dict[str, CheckResult] = {}
        self._warnings = list(request.warnings)

    def report(self) -> Report:
        candidate, config = self._request.candidate, self._config
        layers = self._layers()
        if not candidate.conflicts:
            # Left in reverse: abort what runs, wait for it, only then give checkouts back.
            workers = ThreadPoolExecutor(self._executor.parallel)
            with ExitStack() as stack, workers as pool, self._stoppable():
                self._verify(layers, stack, pool)
        return Report(
            run=self._request.run_id,
            project=config.project,
            commit=candidate.commit,
            tree=candidate.tree,
            head=candidate.head,
            base=candidate.base,
            config_digest=config.digest,
            checks=tuple(self._reports.values()),
            conflicts=candidate.conflicts,
            changed=candidate.changed or (),
            layers=layers,
            plugins=self._versions,
            warnings=tuple(self._warnings),
            started_at=int(self._started * 1000),
            seconds=round(time.time() - self._started, 3),
            policy_from=self._request.policy_from,
        )

    def _layers(self) -> tuple[str, ...]:
        changed = None if self._request.everything else self._request.candidate.changed
        if self._request.layers is None:
            return affected(self._config, changed)
        chosen = self._request.layers
        return tuple(name for name in affected(self._config, None) if name in chosen)

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """While the block runs, ``stop`` aborts the executor; so does an exception."""
        over = threading.Event()

        def watch() -> None:
            while not over.is_set():
                if self._stop.wait(0.1):
                    self._executor.abort()
                    return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        except BaseException:
            self._executor.abort()
            raise
        finally:
            over.set()
            watcher.join()

    def _verify(self, layers: tuple[str, ...], stack: ExitStack, pool: ThreadPoolExecutor) -> None:
        describing = pool.submit(self._executor.describe)
        site = Site(
            self._request.repository,
            self._request.candidate,
            self._config,
            self._executor.command,
            stack,
        )
        try:
            described = describing.result()
        except PluginTrouble as error:
            self._record(self._synthetic("plugins", "integrity", error.message))
            return
        self._look_ahead(site)
        plan = self._plan(described, site, layers)
        self._listener.planned(plan.checks)
        for identity, reason in plan.refused.items():
            check = next(c for c in plan.checks if c.id == identity)
            self._record(_unrun(check, Outcome.ERRORED, reason))
        if plan.checks and self._usable(plan, site):
            self._execute(plan, site, pool)

    def _look_ahead(self, site: Site) -> None:
        """A candidate that changes the rules must leave some that load."""
        request = self._request
        if request.policy_from != "base" or request.layers is not None:
            return
        result = next_rules(self._config, request.candidate.changed, site.checkout.path)
        if result is not None:
            title = "the configuration loads once this has landed"
            check = Check(CHECK, "integrity", "integrity", title)
            self._record(_report(check, result))

    def _plan(self, described: Described, site: Site, layers: tuple[str, ...]) -> Plan:
        """Ask each plugin; whoever cannot answer becomes an errored check of its own."""
        self._versions = described.versions()
        self._plugins = {plugin.name: plugin for plugin in described.plugins}
        for problem in described.problems:
            message = (
                f"{problem.message}\nhint: {problem.hint}" if problem.hint else problem.message
            )
            self._record(self._synthetic(f"plugin:{problem.plugin}", problem.plugin, message))
        asked = PlanRequest(
            config=site.config_json,
            layers=layers,
            changed=None if self._request.everything else self._request.candidate.changed,
            checkout=str(site.checkout.path),
            base=self._request.candidate.base,
            project_wide=self._request.layers is None,
        )
        checks: dict[str, Check] = {}
        for plugin in described.plugins:
            try:
                planned = self._executor.plan(plugin, asked, self._within(PLAN_TIMEOUT))
            except PluginTrouble as error:
                message = _blamed(plugin.name, error.message)
                self._record(self._synthetic(f"plugin:{plugin.name}", plugin.family, message))
                continue
            for check in planned:
                if checks.setdefault(check.id, check) is not check:
                    message = f'plugin "{plugin.name}" planned {check.id!r}, which is taken'
                    self._record(self._synthetic(f"plugin:{plugin.name}", plugin.family, message))
        wide = self._request.layers is None
        for identity, message in _unplanned(self._config, layers, checks.values(), wide=wide):
            self._record(self._synthetic(identity, "integrity", message))
        return arrange(list(checks.values()), self._config)

    def _usable(self, plan: Plan, site: Site) -> bool:
        """Prepare the checkout; where that fails no check can tell anything."""
        try:
            trouble = site.here().trouble
        except OrchestrateError as error:
            trouble = error.message
        if trouble is None:
            self._warnings += site.foreign_packages()
            return True
        for check in plan.checks:
            if check.id not in self._reports:
                stopped = self._stop.is_set()
                reason = "the run was stopped" if stopped else trouble
                outcome = Outcome.NOT_RUN if stopped else Outcome.ERRORED
                self._record(_unrun(check, outcome, reason))
        return False

    def _execute(self, plan: Plan, site: Site, pool: ThreadPoolExecutor) -> None:
        """Keep ``parallel`` checks running until all have a report."""
        order, running = Order(plan), dict[Future[CheckReport], Check]()
        while order.active():
            while len(running) < self._executor.parallel and (check := order.next()):
                if reason := self._why_not(check):
                    self._record(_unrun(check, Outcome.NOT_RUN, reason))
                    order.done(check)
                else:
                    self._listener.started(check)
                    running[pool.submit(self._one, self._bracket(check, site))] = check
            for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                self._record(future.result())
                order.done(running.pop(future))

    def _why_not(self, check: Check) -> str | None:
        """Why a check that is ready does not start, or None."""
        if self._stop.is_set():
            return "the run was stopped"
        if time.monotonic() >= self._deadline:
            return _over_budget(self._config.verification.budget)
        if self._config.verification.fail_fast:
            for report in self._reports.values():
                if report.outcome is Outcome.FAILED and report.decides:
                    return f"fail_fast: {report.id} failed"
        for name in check.needs:
            outcome = self._reports[name].outcome
            if outcome is not Outcome.PASSED:
                return f"it needs {name}, which {_ENDED[outcome]}"
        return None

    def _bracket(self, check: Check, site: Site) -> Bracket:
        names = dict.fromkeys((*check.needs, *check.after))
        upstream = {name: self._reports[name].result for name in names}
        on_base = {n: self._failed_on_base[n] for n in names if n in self._failed_on_base}
        return Bracket(self._attempt, site, check, upstream, on_base)

    def _one(self, bracket: Bracket) -> CheckReport:
        """Execute a check and, where it failed, find out whose failure it is."""
        start = time.monotonic()
        judged: Judged = bracket.judge()
        if judged.on_base is not None:
            self._failed_on_base[bracket.check.id] = judged.on_base
        return replace(
            _report(bracket.check, judged.result),
            seconds=round(time.monotonic() - start, 3),
            flaky=judged.flaky,
            preexisting=judged.on_base is not None,
        )

    def _attempt(self, check: Check, make_context: MakeContext) -> CheckResult:
        """Execute a check once, within its timeout and the run's budget."""
        limit = self._within(check.timeout)
        try:
            result = self._executor.execute(
                self._plugins[check.plugin], check, make_context(limit), limit
            )
        except OrchestrateError as error:
            result = CheckResult(Outcome.ERRORED, _blamed(check.plugin, error.message))
        except OSError as error:
            result = CheckResult(Outcome.ERRORED, f"no place to run it: {error}")
        if result.outcome is not Outcome.ERRORED:
            return result
        if self._stop.is_set():
            return CheckResult(Outcome.NOT_RUN, "the run was stopped", output=result.output)
        if limit < check.timeout and time.monotonic() >= self._deadline:
            reason = _over_budget(self._config.verification.budget)
            return CheckResult(Outcome.NOT_RUN, reason, output=result.output)
        return result

    def _within(self, timeout: float) -> float:
        return max(min(timeout, self._deadline - time.monotonic()), 0.1)

    def _record(self, report: CheckReport) -> None:
        report = by_configuration(report, self._config.verification, self._started)
        self._reports[report.id] = report
        self._listener.finished(report)

    def _synthetic(self, identity: str, family: str, message: str) -> CheckReport:
        """An errored check that stands for a plugin that could not be asked."""
        return CheckReport(
            id=identity,
            family=family if family in FAMILIES else "integrity",
            title=f"load and ask {identity}",
            plugin=identity.removeprefix("plugin:"),
            layer=None,
            result=CheckResult(Outcome.ERRORED, message),
        )


def _unplanned(
    config: Config, layers: Iterable[str], planned: Collection[Check], *, wide: bool
) -> Iterator[tuple[str, str]]:
    """Checks the configuration leaves to a plugin (``uses``) that it did not plan.

    Nobody would miss them otherwise: they would silently not run. A plugin may
    give its checks other ids, as long as it plans as many as it was left.
    """
    ids = {check.id for check in planned}
    made = Counter((check.plugin, check.layer) for check in planned)
    places = [(name, name, config.layers[name].checks) for name in layers]
    entries = [*places, *([("integration", None, config.integration_tests)] if wide else [])]
    for prefix, layer, checks in entries:
        left = Counter(check.uses for check in checks)
        for check in checks:
            identity = f"{prefix}/{check.name}"
            if check.uses and made[check.uses, layer] < left[check.uses] and identity not in ids:
                yield identity, _nothing_planned(check.uses, made[check.uses, layer])


def _nothing_planned(plugin: str, others: int) -> str:
    if others:
        return f'plugin "{plugin}" planned nothing for it, only for others like it'
    hint = "is it installed, or named in verification.plugins?"
    return f'plugin "{plugin}" planned nothing: {hint}'


_ENDED = {
    Outcome.FAILED: "failed",
    Outcome.INCONCLUSIVE: "was inconclusive",
    Outcome.ERRORED: "errored",
    Outcome.SKIPPED: "was skipped",
    Outcome.NOT_RUN: "did not run",
}


def _blamed(plugin: str, message: str) -> str:
    return message if plugin in message else f'plugin "{plugin}": {message}'


def _over_budget(budget: float) -> str:
    return f"budget: the run's {budget:g} s were used up"


def _unrun(check: Check, outcome: Outcome, reason: str) -> CheckReport:
    return _report(check, CheckResult(outcome, reason))


def _report(check: Check, result: CheckResult) -> CheckReport:
    return CheckReport(check.id, check.family, check.title, check.plugin, check.layer, result)
