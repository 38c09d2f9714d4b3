"""Runs the checks of one candidate and says what was found. Never raises for what they do.

Decides nothing about the handoff: that is policy. Runs nothing itself: that is
the executor's, a port with a local pool behind it today.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.errors import OrchestrateError
from orchestrator.plugins.outputs import make_room
from orchestrator.plugins.remote import PluginTrouble
from orchestrator.plugins.spec import Check, CheckResult, Outcome
from orchestrator.plugins.wire import PluginDescription
from orchestrator.verification import elsewhere
from orchestrator.verification.bracket import Bracket, Judged, MakeContext
from orchestrator.verification.next_rules import CHECK, next_rules
from orchestrator.verification.outcome import CheckReport, Report
from orchestrator.verification.plan import Order, Plan, affected, arrange, unlayered
from orchestrator.verification.planning import Planned, Planning, blamed, stands_for
from orchestrator.verification.port import Executor, Request
from orchestrator.verification.progress import Listener, Silent
from orchestrator.verification.replay import Replay
from orchestrator.verification.shadow import by_configuration
from orchestrator.verification.site import Site
from orchestrator.verification.threads import Threads
from orchestrator.verification.together import judged_together

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Executor", "Request", "verify"]

#: Seconds one plugin may take to plan.
PLAN_TIMEOUT = 60.0


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
        self._replay = Replay(
            request.repository, request.candidate, self._config, request.run_id, fresh=request.fresh
        )

    def report(self) -> Report:
        candidate, config = self._request.candidate, self._config
        layers = self._layers()
        if not candidate.conflicts:
            # Left in reverse: abort what runs, wait for it, only then give checkouts back.
            threads = Threads(self._executor.parallel)
            with ExitStack() as stack, threads, self._stoppable():
                self._verify(layers, stack, threads)
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
            free = unlayered(self._config, changed or ())
            if free:
                said = "in no layer, so no layer was checked for it"
                self._warnings.append(f"{said}: {elsewhere.listed(free)}")
            return affected(self._config, changed)
        chosen = self._request.layers
        return tuple(name for name in affected(self._config, None) if name in chosen)

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """While the block runs, ``stop`` aborts the executor; so does an exception."""
        over, ending = False, threading.Lock()

        def watch() -> None:
            while not self._stop.wait(0.1):
                if over:
                    return
            with ending:
                if not over:
                    self._executor.abort()

        # Nobody waits for it at the end: that would take a part of its 0.1 s.
        threading.Thread(target=watch, daemon=True).start()
        try:
            yield
        except BaseException:
            self._executor.abort()
            raise
        finally:
            with ending:
                over = True

    def _verify(self, layers: tuple[str, ...], stack: ExitStack, threads: Threads) -> None:
        planning = Planning(self._request, layers, self._replay)
        known = planning.known()
        describing = None if known else threads.submit(self._executor.describe)
        site = Site(
            self._request.repository,
            self._request.candidate,
            self._config,
            self._executor.command,
            stack,
            self._request.repository.state / "outputs" / self._request.run_id,
        )
        try:
            described = describing.result() if describing else None
        except PluginTrouble as error:
            self._record(stands_for("plugins", "integrity", error.message))
            return
        self._look_ahead(site)
        if described is not None:
            within = self._within(PLAN_TIMEOUT)
            known = planning.ask(described, site.checkout.path, self._executor, within)
        if known is not None:
            self._carry_out(known, site, threads)

    def _carry_out(self, planned: Planned, site: Site, threads: Threads) -> None:
        self._plugins = {plugin.name: plugin for plugin in planned.plugins}
        self._versions = {plugin.name: plugin.version for plugin in planned.plugins}
        for trouble in planned.troubles:
            self._record(trouble)
        plan = arrange(planned.checks, self._config)
        self._listener.planned(plan.checks)
        for identity, reason in plan.refused.items():
            check = next(c for c in plan.checks if c.id == identity)
            self._record(_unrun(check, Outcome.ERRORED, reason))
        if plan.checks and self._usable(plan, site):
            self._replay.begin(plan, site, self._plugins)
            self._execute(plan, site, threads)
            for report in judged_together(self._reports.values()):
                self._reports[report.id] = self._marked(report)
            self._replay.end(tuple(self._reports.values()), site, int(self._started * 1000))
            self._warnings += self._replay.warnings
            make_room(self._request.repository.state / "outputs")

    def _look_ahead(self, site: Site) -> None:
        """A candidate that changes the rules must leave some that load; none may borrow files."""
        request = self._request
        self._look_elsewhere(site)
        if request.policy_from != "base" or request.layers is not None:
            return
        result = next_rules(self._config, request.candidate.changed, site.checkout.path)
        if result is not None:
            title = "the configuration loads once this has landed"
            check = Check(CHECK, "integrity", "integrity", title)
            self._record(_report(check, result))

    def _look_elsewhere(self, site: Site) -> None:
        """Links out of the commit: what the candidate brings is judged, what was there is told."""
        links = elsewhere.links_out(site.checkout)
        changed = self._request.candidate.changed or ()
        self._warnings += elsewhere.told(links, changed)
        result = elsewhere.judged(links, changed)
        if result is not None:
            title = "what was verified is all in the commit"
            self._record(_report(Check(elsewhere.CHECK, "integrity", "integrity", title), result))

    def _usable(self, plan: Plan, site: Site) -> bool:
        """Prepare the checkout; where that fails no check can tell anything."""
        try:
            trouble = site.here().trouble
        except OrchestrateError as error:
            trouble = error.message
        if trouble is None:
            self._warnings += site.foreign_packages()
            self._warnings += elsewhere.absent_submodules(site.checkout)
            return True
        for check in plan.checks:
            if check.id not in self._reports:
                stopped = self._stop.is_set()
                reason = "the run was stopped" if stopped else trouble
                outcome = Outcome.NOT_RUN if stopped else Outcome.ERRORED
                self._record(_unrun(check, outcome, reason))
        return False

    def _execute(self, plan: Plan, site: Site, threads: Threads) -> None:
        """Keep ``parallel`` checks running until all have a report."""
        order = Order(plan)
        running: dict[Future[CheckReport], Check] = {}
        while order.active():
            while len(running) < self._executor.parallel and (check := order.next()):
                if reason := self._why_not(check):
                    self._record(_unrun(check, Outcome.NOT_RUN, reason))
                    order.done(check)
                elif known := self._replay.known(check, self._upstream(check)):
                    self._record(known)
                    order.done(check)
                else:
                    self._listener.started(check)
                    running[threads.submit(self._one, self._bracket(check, site))] = check
            for future in threads.ended(running):
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
        upstream = self._upstream(check)
        on_base = {n: self._failed_on_base[n] for n in upstream if n in self._failed_on_base}
        return Bracket(self._attempt, site, check, upstream, on_base)

    def _upstream(self, check: Check) -> dict[str, CheckResult]:
        names = dict.fromkeys((*check.needs, *check.after))
        return {name: self._reports[name].result for name in names}

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
            result = CheckResult(Outcome.ERRORED, blamed(check.plugin, error.message))
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
        report = self._reports[report.id] = self._marked(report)
        self._listener.finished(report)

    def _marked(self, report: CheckReport) -> CheckReport:
        return by_configuration(report, self._config.verification, self._started)


_ENDED = {
    Outcome.FAILED: "failed",
    Outcome.INCONCLUSIVE: "was inconclusive",
    Outcome.ERRORED: "errored",
    Outcome.SKIPPED: "was skipped",
    Outcome.NOT_RUN: "did not run",
}


def _over_budget(budget: float) -> str:
    return f"budget: the run's {budget:g} s were used up"


def _unrun(check: Check, outcome: Outcome, reason: str) -> CheckReport:
    return _report(check, CheckResult(outcome, reason))


def _report(check: Check, result: CheckResult) -> CheckReport:
    return CheckReport(check.id, check.family, check.title, check.plugin, check.layer, result)
