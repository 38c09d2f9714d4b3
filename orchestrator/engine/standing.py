"""Whether an approval still stands: everything its verdict is bound to, looked at again.

Asked right before landing, however long that has waited. Which plugins there
are now is found out in a thread, by the same worker processes that run checks:
loading a plugin may take long or never end, and the watch has to go on.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.engine.executor import LocalExecutor
from orchestrator.engine.job import Job
from orchestrator.engine.project import Project
from orchestrator.errors import OrchestrateError
from orchestrator.plugins.remote import PluginTrouble
from orchestrator.store.port import Reader, Row
from orchestrator.verification.evidence import bind, still_valid
from orchestrator.verification.outcome import Report, Verdict
from orchestrator.verification.rules import Rules, rules_at

__all__ = ["FRESH", "Standing"]

#: Seconds for which what is known of the plugins is believed.
FRESH = 30.0


class Standing:
    """Answers for one watch; remembers the plugins it saw, for ``FRESH`` seconds."""

    def __init__(self) -> None:
        self._known: _Plugins | None = None
        self._inspection: _Inspection | None = None

    @property
    def pending(self) -> bool:
        """It is being found out which plugins there are, or was and is to be collected."""
        return self._inspection is not None

    @property
    def due(self) -> bool:
        """What was being found out is known and to be collected."""
        return self._inspection is not None and self._inspection.finished.is_set()

    def collect(self) -> bool:
        """Keep what an inspection found, if one has ended; True when it had."""
        if self._inspection is None or not self.due:
            return False
        done, self._inspection = self._inspection, None
        self._known = _Plugins(done.base, done.began, done.versions, done.trouble)
        return True

    def learn(self, job: Job) -> None:
        """What a finished run saw; as old as its beginning."""
        if job.report is not None:
            self._known = _Plugins(job.base, job.began, job.report.plugins)

    def moved(self, project: Project, handoff: Row) -> tuple[str, ...] | None:
        """Why the approval of ``handoff`` no longer holds; None while that is being found out.

        Empty when it holds. An approval without any report was given by a human
        to the very commit; its base is all it is bound to. Raises
        ``PluginTrouble`` where the plugins cannot be asked: then nothing lands.
        """
        run, later = project.store.read(lambda reader: _runs(reader, handoff))
        if later is not None:
            return (f"a later run, {later['id']}, failed",)
        if run is None or run["report"] is None:
            return ()
        rules = rules_at(project.repository, handoff["base"], project.config.source)
        if rules is None:
            return ("the base has no configuration any more",)
        plugins = self._plugins(handoff["base"], rules)
        if plugins is None:
            return None
        evidence = bind(Report.from_json(json.loads(run["report"])))
        reasons = still_valid(
            evidence,
            commit=handoff["candidate"],
            base=project.integration_head(),
            config_digest=rules.config.digest,
            plugins=plugins,
        )
        return tuple(reasons)

    def close(self) -> None:
        """End an inspection that is under way, with its processes."""
        if self._inspection is not None:
            self._inspection.end()
            self._inspection = None

    def _plugins(self, base: str, rules: Rules) -> Mapping[str, str] | None:
        """Name → version of every plugin under ``rules``, or None while they are looked at."""
        if self._known is not None and self._known.fresh(base):
            return self._known.answer()
        if self._inspection is not None and self._inspection.base != base:
            self.close()
        if self._inspection is None:
            self._inspection = _Inspection(base, rules)
            self._inspection.start()
        return None


@dataclass(frozen=True, slots=True)
class _Plugins:
    """Which plugins there were under the rules of ``base``, ``seen`` at (monotonic seconds)."""

    base: str
    seen: float
    versions: Mapping[str, str]
    trouble: OrchestrateError | None = None

    def fresh(self, base: str) -> bool:
        return base == self.base and time.monotonic() - self.seen < FRESH

    def answer(self) -> Mapping[str, str]:
        if self.trouble is not None:
            raise self.trouble
        return self.versions


class _Inspection(threading.Thread):
    """Asks a worker process for the plugins. When ``finished``: ``versions``, or ``trouble``."""

    def __init__(self, base: str, rules: Rules) -> None:
        super().__init__(name="plugins", daemon=True)
        self.base, self.began = base, time.monotonic()
        self.finished = threading.Event()
        self.versions: Mapping[str, str] = {}
        self.trouble: OrchestrateError | None = None
        self._executor = LocalExecutor(rules)

    def run(self) -> None:
        try:
            with self._executor as executor:
                self.versions = executor.describe().versions()
        except OrchestrateError as error:
            self.trouble = error
        except Exception as error:
            self.trouble = PluginTrouble(f"{type(error).__name__}: {error}")
        finally:
            self.finished.set()

    def end(self) -> None:
        self._executor.abort()
        self.join()


def _runs(reader: Reader, handoff: Row) -> tuple[Row | None, Row | None]:
    """The run that was judged, and one of the same commit that failed after it."""
    run = reader.get("runs", id=handoff["run"]) if handoff["run"] else None
    if run is None:
        return None, None
    same = reader.find(
        "runs",
        {"handoff": handoff["id"], "verdict": str(Verdict.FAILED)},
        columns=("id", "commit_id", "started_at"),
    )
    later = (r for r in same if r["commit_id"] == run["commit_id"] and r["id"] != run["id"])
    return run, next((r for r in later if r["started_at"] >= run["started_at"]), None)
