"""The plugins of a project as their authors and users see them: listed, and examined.

Works on the working tree, so that a plugin can be tried before it is committed.
Everything of a plugin runs in a worker process, as in a verification.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.config.load import in_force
from orchestrator.config.model import Config
from orchestrator.engine.executor import LocalExecutor
from orchestrator.engine.verification import NothingToVerify, UnknownCommit
from orchestrator.errors import UsageError
from orchestrator.git import Repository
from orchestrator.plugins.remote import PluginTrouble
from orchestrator.plugins.spec import API_VERSION, Check, CheckResult, Outcome, PlanRequest
from orchestrator.plugins.wire import Described, PluginDescription, Problem
from orchestrator.report.words import place
from orchestrator.verification.checkout import Candidate
from orchestrator.verification.plan import in_order
from orchestrator.verification.rules import Rules
from orchestrator.verification.site import Site

__all__ = ["Examination", "Said", "describe"]

#: Seconds a plugin may take to plan.
_PLAN_TIMEOUT = 60.0
#: Findings shown of one check.
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Said:
    """One line of an examination: ``state`` is ok, remark or broken."""

    state: str
    text: str
    hint: str | None = None


def describe(repository: Repository) -> Described:
    """Every plugin the configuration in force brings, and what is wrong with the others."""
    with LocalExecutor(_rules(repository, in_force(repository))) as executor:
        return executor.describe()


def _rules(repository: Repository, config: Config) -> Rules:
    return Rules(config, None, repository.worktree, "commit", kept=repository.state)


class Examination:
    """Proves that a plugin keeps the contract: it loads, plans, plans the same again, executes.

    ``target`` is a file, or the name of a plugin that ``describe`` lists.
    Iterating says one thing after the other and ends with the first that is
    broken. ``execute`` runs what is planned on the last commit, compared with
    ``since`` where a check asks for a base.
    """

    def __init__(
        self,
        repository: Repository,
        target: str,
        *,
        execute: bool = False,
        since: str | None = None,
    ) -> None:
        self._repository, self._target = repository, target
        self._execute, self._since = execute, since
        self._base: str | None = None
        self._config = in_force(repository)
        self._local = target.endswith(".py") or Path(target).is_file()
        if self._local:
            place = os.path.relpath(Path(target).absolute(), repository.worktree)
            only = replace(self._config.verification, plugins=(place,))
            self._config = replace(self._config, verification=only)

    def __iter__(self) -> Iterator[Said]:
        rules = _rules(self._repository, self._config)
        with LocalExecutor(rules, others=not self._local) as executor:
            described = executor.describe()
            plugin = self._chosen(described)
            if isinstance(plugin, Problem):
                yield Said("broken", plugin.message, plugin.hint)
                return
            yield Said("ok", f"{plugin.name} {plugin.version} loads and keeps API {API_VERSION}")
            try:
                yield from self._planning(executor, plugin)
            except PluginTrouble as error:
                yield Said("broken", error.message, error.hint)

    def _chosen(self, described: Described) -> PluginDescription | Problem:
        """The plugin it is about, or why that one could not be loaded."""
        if self._local:
            return described.plugins[0] if described.plugins else described.problems[0]
        found: dict[str, PluginDescription | Problem] = {
            **{problem.plugin: problem for problem in described.problems},
            **{plugin.source["name"]: plugin for plugin in described.plugins},
            **{plugin.name: plugin for plugin in described.plugins},
        }
        if self._target not in found:
            known = ", ".join(sorted(plugin.name for plugin in described.plugins))
            raise UsageError(
                f"there is no plugin {self._target!r}", hint=f"a file, or one of: {known}"
            )
        return found[self._target]

    def _planning(self, executor: LocalExecutor, plugin: PluginDescription) -> Iterator[Said]:
        with ExitStack() as stack:
            site = self._site(executor, stack)
            request = PlanRequest(
                config=site.config_json,
                layers=in_order(self._config.layers),
                changed=None,
                checkout=str(site.checkout.path),
                base=self._base,
            )
            checks = executor.plan(plugin, request, _PLAN_TIMEOUT)
            again = executor.plan(plugin, request, _PLAN_TIMEOUT)
            yield from _planned(checks, again)
            if self._execute:
                yield from self._executing(executor, plugin, checks, site)

    def _executing(
        self, executor: LocalExecutor, plugin: PluginDescription, checks: list[Check], site: Site
    ) -> Iterator[Said]:
        done: dict[str, CheckResult] = {}
        if self._config.verification.prepare:
            steps = ", ".join(step.run for step in self._config.verification.prepare)
            yield Said("remark", f"preparing a checkout of the last commit: {steps}")
        if trouble := site.here().trouble:
            yield Said("broken", f"the checkout cannot be prepared: {trouble}")
            return
        for check in checks:
            if check.needs_base and self._base is None:
                yield Said("remark", f"{check.id} compares with a base", "name one: --since main")
                continue
            known = {name: done[name] for name in (*check.needs, *check.after) if name in done}
            began = time.monotonic()
            result = executor.execute(
                plugin, check, site.context(check, known, check.timeout), check.timeout
            )
            done[check.id] = result
            yield from _executed(check, result, time.monotonic() - began)

    def _site(self, executor: LocalExecutor, stack: ExitStack) -> Site:
        git = self._repository.git
        head = git.commit("HEAD")
        if head is None:
            raise NothingToVerify(hint="git add -A && git commit")
        self._base = git.commit(self._since) if self._since else None
        if self._since and self._base is None:
            raise UnknownCommit(f"there is no commit {self._since!r} here")
        candidate = Candidate.of(git, head, self._base)
        return Site(self._repository, candidate, self._config, executor.command, stack)


def _planned(checks: list[Check], again: list[Check]) -> Iterator[Said]:
    if not checks:
        hint = "it plans from the configuration: is there anything in it for this plugin?"
        yield Said("remark", "it plans nothing in this project", hint)
        return
    if checks != again:
        hint = "plan from the request alone: no clock, no random number, no order of a set"
        yield Said("broken", "asked twice, it plans differently", hint)
        return
    number = "1 check" if len(checks) == 1 else f"{len(checks)} checks"
    yield Said("ok", f"plans {number}, the same when it is asked again")
    for check in checks:
        yield Said("ok", f"  {check.id}: {check.title}")


def _executed(check: Check, result: CheckResult, seconds: float) -> Iterator[Said]:
    """Any outcome keeps the contract; all but passed are worth a look, with what was found."""
    text = f"{check.id} {result.outcome} in {seconds:.1f} s"
    if result.reason:
        text += f": {result.reason}"
    yield Said("ok" if result.outcome is Outcome.PASSED else "remark", text)
    for finding in result.findings[:_SHOWN]:
        where = f"{place(finding)}: " if finding.file else ""
        yield Said("remark", f"  {where}{finding.message} ({finding.severity})", finding.remedy)
    if len(result.findings) > _SHOWN:
        yield Said("remark", f"  and {len(result.findings) - _SHOWN} more findings")
