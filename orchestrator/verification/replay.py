"""One run and what earlier runs found: which verdicts hold again, and which are to be kept.

Only what passed at the first try is remembered. Everything else is asked
again, and so is every check something about which cannot be known. A verdict
that is replayed names the run it came from.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from orchestrator.config.model import Config
from orchestrator.errors import OrchestrateError
from orchestrator.git import Git, Repository
from orchestrator.plugins.spec import Check, CheckResult, Json, Outcome, dumps
from orchestrator.plugins.wire import PluginDescription
from orchestrator.verification import fingerprints, key
from orchestrator.verification.cache import Cache
from orchestrator.verification.checkout import Candidate
from orchestrator.verification.inputs import Inputs, configured
from orchestrator.verification.ledger import Entry, Ledger, changes
from orchestrator.verification.outcome import CheckReport
from orchestrator.verification.plan import Plan
from orchestrator.verification.site import Site

__all__ = ["Replay", "cache_of", "ledger_of"]

#: What makes it impossible to say what a check depends on.
_UNKNOWABLE = (key.Unknowable, fingerprints.TooMany, OrchestrateError, OSError)
#: Parts of a key that are named when they changed during a run.
_NAMED = 3
#: Check id → its result so far.
Results = Mapping[str, CheckResult]


def cache_of(repository: Repository, config: Config | None = None) -> Cache:
    """The cache of a repository, shared by its worktrees; with the limits of ``config``."""
    folder = repository.state / "verdicts"
    if config is None:
        return Cache(folder)
    limits = config.verification.cache
    return Cache(folder, limits.size, limits.max_age)


def ledger_of(repository: Repository) -> Ledger:
    """The keys of each check's last run."""
    return Ledger(repository.state / "verdicts" / "last.json")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked about a check: its key's own parts, or why it never has one."""

    parts: key.Parts
    never: str | None


class Replay:
    """What one run knows. ``fresh``: replay nothing, and remember what passes all the same."""

    def __init__(
        self, repository: Repository, candidate: Candidate, config: Config, run: str, *, fresh: bool
    ) -> None:
        self.cache = cache_of(repository, config)
        self._ledger = ledger_of(repository)
        self._inputs = Inputs(config, candidate, Git(repository.common))
        self._config, self._run, self._commit = config, run, candidate.commit
        self._enabled = config.verification.cache.enabled
        self._fresh = fresh
        self._common: key.Parts = {}
        self._shared = ""
        self._before: key.Parts = {}
        self._never: str | None = None if self._enabled else "verification.cache.enabled is false"
        self._asked: dict[str, _Asked] = {}
        self._plugins: Mapping[str, PluginDescription] = {}
        self._sections: dict[str, key.Parts] = {}
        self._all = False
        self._found: dict[str, CheckReport] = {}
        self._again: dict[str, str] = {}
        self._unread: list[str] = []
        self._unwritten: list[str] = []

    @property
    def warnings(self) -> list[str]:
        """What of the cache could not be used, one line a kind."""
        return [*_summed("a remembered verdict was not used", self._unread),
                *_summed("not remembered", self._unwritten)]  # fmt: skip

    @cached_property
    def host(self) -> key.Parts:
        """The machine and this program, as they were when the run began."""
        return fingerprints.host()

    def begin(self, plan: Plan, site: Site, plugins: Mapping[str, PluginDescription]) -> None:
        """Look at where the checks will run, which is prepared, and at every check once.

        A run that left files in its checkout may have been what a later check
        worked on; its verdicts hold only where no check has to run at all.
        """
        self._plugins = plugins
        if not self._enabled:
            return
        try:
            self._common = self._look(site, self.host)
            self._shared = _digest(self._common)
        except _UNKNOWABLE as error:
            self._never = str(error)
            return
        self._all = self._survey(plan)
        if not self._all:
            self._before = self._left_behind(site)

    def known(self, check: Check, upstream: Results) -> CheckReport | None:
        """The check's verdict as an earlier run found it, if it holds now."""
        if self._all:
            return self._found[check.id]
        known = self._known(check, upstream)
        if known and not known[1]:
            self._again[check.id] = (
                f"{known[0].cached_from} left files in its checkout, so its verdicts hold only "
                "where no check has to run"
            )
        return known[0] if known and known[1] else None

    def _survey(self, plan: Plan) -> bool:
        """True when every check of the plan is known, also those of runs that left files."""
        results: dict[str, CheckResult] = {}
        for check in plan.checks:
            known = None if check.id in plan.refused else self._known(check, results)
            if known is None:
                return False
            self._found[check.id], results[check.id] = known[0], known[0].result
        return True

    def _known(self, check: Check, results: Results) -> tuple[CheckReport, bool] | None:
        """What is known of a check, and whether it was found in a run that left nothing behind."""
        upstream = {n: results[n] for n in dict.fromkeys((*check.needs, *check.after))}
        asked = self._asked[check.id] = self._ask(check, upstream)
        if asked.never or self._fresh:
            self._again[check.id] = asked.never or "it was asked to (--no-cache)"
            return None
        found = self.cache.get(self._key(asked))
        if found.trouble:
            self._unread.append(found.trouble)
        value = found.value
        if value is None:
            self._again[check.id] = found.trouble or "no verdict is remembered for this key"
            return None
        report = CheckReport(
            check.id,
            check.family,
            check.title,
            check.plugin,
            check.layer,
            CheckResult.from_json(value["result"]),
            cached_from=value["run"],
            cached_at=value["at"],
        )
        return report, value["tidy"]

    def end(self, reports: Collection[CheckReport], site: Site, started_at: int) -> None:
        """Remember what passed at the first try, and what every check depended on."""
        if not self._enabled:
            return
        executed = [report for report in reports if report.cached_from is None]
        keep = [report for report in executed if self._why_not(report) is None]
        moved = self._moved(site) if keep and self._never is None else None
        if keep and self._never is None and moved is None:
            tidy = self._left_behind(site) == self._before
            for report in keep:
                trouble = self._remember(report, started_at, tidy=tidy)
                self._unwritten += [trouble] if trouble else []
            self.cache.make_room()
        self._ledger.write({r.id: self._entry(r, moved) for r in reports if r.id in self._asked})

    def _ask(self, check: Check, upstream: Results) -> _Asked:
        never = self._never or key.why_never(check, configured(self._config, check))
        try:
            plugin = self._plugins[check.plugin]
            if plugin.name not in self._sections:
                self._sections[plugin.name] = key.of_configuration(self._config, plugin)
            parts = key.own(check, plugin, self._sections[plugin.name], self._inputs, upstream)
        except (OrchestrateError, OSError, KeyError) as error:
            return _Asked({}, never or f"its key cannot be made: {error}")
        return _Asked(parts, never)

    def _key(self, asked: _Asked) -> str:
        return _digest({"verdict": asked.parts, "common": self._shared})

    def _look(self, site: Site, host: key.Parts) -> key.Parts:
        place = site.here()
        return {**host, **key.common(self._config, place.checkout, place.environment)}

    def _moved(self, site: Site) -> str | None:
        """What became another one while checks ran: it is open which of them they ran with."""
        try:
            now, before = _lasting(self._look(site, fingerprints.host())), _lasting(self._common)
        except _UNKNOWABLE as error:
            return f"{error}, when it had run"
        names = [name for name, _, _ in changes(before, now)]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"{', '.join(names[:_NAMED])}{more} changed while it ran" if names else None

    def _left_behind(self, site: Site) -> key.Parts:
        try:
            return key.left_behind(site.here().checkout, self._config.verification.keep)
        except _UNKNOWABLE:
            return {"unknown": str(time.monotonic_ns())}

    def _why_not(self, report: CheckReport) -> str | None:
        """Why a verdict is not remembered, or None."""
        asked = self._asked.get(report.id)
        if asked is None or asked.never:
            return asked.never if asked else "it did not run"
        if report.outcome is not Outcome.PASSED:
            return f"it {str(report.outcome).replace('_', ' ')}; only what passed is remembered"
        if report.flaky:
            return "it passed only when it was run again"
        return "it fails on the base" if report.preexisting else None

    def _remember(self, report: CheckReport, at: int, *, tidy: bool) -> str | None:
        value = {
            "check": report.id,
            "run": self._run,
            "commit": self._commit,
            "at": at,
            "tidy": tidy,
            "result": report.result.to_json(),
        }
        return self.cache.put(self._key(self._asked[report.id]), value, at)

    def _entry(self, report: CheckReport, moved: str | None) -> Entry:
        replayed = report.cached_from is not None
        return Entry(
            run=self._run,
            at=int(time.time() * 1000),
            how="replayed" if replayed else "executed",
            outcome=str(report.outcome),
            parts={**self._common, **self._asked[report.id].parts},
            source=report.cached_from,
            note=None if replayed else self._why_not(report) or moved,
            again=None if replayed else self._again.get(report.id),
        )


def _digest(value: Json) -> str:
    return hashlib.sha256(dumps(value).encode(errors="surrogateescape")).hexdigest()


def _summed(said: str, troubles: Sequence[str]) -> list[str]:
    """One warning for all of a kind, with the first and how many there are besides."""
    distinct = list(dict.fromkeys(troubles))
    more = f" (and {len(distinct) - 1} more)" if len(distinct) > 1 else ""
    return [f"{said}: {distinct[0]}{more}"] if distinct else []


def _lasting(parts: key.Parts) -> key.Parts:
    """Without the files in the checkout, which are looked at on their own."""
    return {name: text for name, text in parts.items() if not name.startswith("made ")}
