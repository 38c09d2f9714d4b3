"""One verification, in a thread of its own, so that the watch goes on coordinating."""

from __future__ import annotations

import threading
import time
import traceback

from orchestrator.engine.executor import LocalExecutor
from orchestrator.engine.project import Project
from orchestrator.verification.checkout import Candidate, Pool
from orchestrator.verification.outcome import Report
from orchestrator.verification.progress import Listener
from orchestrator.verification.rules import NoRules, rules_at
from orchestrator.verification.run import Request, verify

__all__ = ["Job"]


class Job(threading.Thread):
    """Verifies ``head`` merged onto ``base``. When ``finished``: ``report`` or ``error``.

    ``candidate`` is what would land, as soon as it is made. Without a handoff it
    verifies ``head`` as it is, compared with ``base``. ``fresh`` executes every
    check, whatever is remembered of earlier runs. It reads git and runs
    checks; it never writes to the store.
    """

    def __init__(
        self,
        project: Project,
        run: str,
        handoff: str | None,
        head: str,
        base: str,
        listener: Listener,
        *,
        fresh: bool = False,
    ) -> None:
        super().__init__(name=f"verify-{run}", daemon=True)
        self.project, self.run_id, self.handoff = project, run, handoff
        self.head, self.base, self.listener = head, base, listener
        self._fresh = fresh
        self.began = time.monotonic()
        self.stop = threading.Event()
        self.finished = threading.Event()
        self.candidate: Candidate | None = None
        self.report: Report | None = None
        self.error: str | None = None
        self.hopeless = False

    def run(self) -> None:
        try:
            self.report = self._verify()
        except NoRules as error:
            # No other try would find any: somebody has to decide.
            self.error, self.hopeless = error.message, True
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
            self.trace = traceback.format_exc()
        finally:
            self.finished.set()

    def _verify(self) -> Report:
        repository, config = self.project.repository, self.project.config
        # Made first: a human may let it land even where no rules can be read.
        self.candidate = self._candidate()
        rules = rules_at(repository, self.base, config.source)
        if rules is None:
            raise NoRules(f"the base {self.base[:12]} has no {config.source}")
        request = Request(repository, self.candidate, rules, self.run_id, fresh=self._fresh)
        with LocalExecutor(rules) as executor:
            return verify(request, executor=executor, listener=self.listener, stop=self.stop)

    def _candidate(self) -> Candidate:
        """What would land, pinned so that it stays until it is decided about."""
        git = self.project.git
        if self.handoff is None:
            return Candidate.of(git, self.head, self.base)
        pool = Pool(self.project.repository)
        candidate = pool.preview(self.base, self.head, f"Merge {self.handoff}")
        git.point(f"refs/orchestrate/candidates/{self.handoff}", candidate.commit)
        return candidate
