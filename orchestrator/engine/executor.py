"""Executes checks in worker processes on this machine, a few at a time.

The local side of the ``Executor`` port: a distributed one would put each call
into a queue. Workers are started when first needed and used again; one that
hung or crashed is ended with everything it started, and replaced.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from types import TracebackType
from typing import Self, TypeVar

from orchestrator import descendants
from orchestrator.plugins.remote import PluginTrouble, Worker, WorkerDied, WorkerHung
from orchestrator.plugins.spec import Check, CheckResult, CommandResult, Json, PlanRequest
from orchestrator.plugins.wire import Described, PluginDescription, Problem, check_from_json
from orchestrator.verification.rules import Rules

__all__ = ["LocalExecutor"]

#: Seconds a plugin may take to be imported.
_LOAD_TIMEOUT = 60.0
#: Seconds a plugin gets beyond a check's timeout to end its command and say so itself.
PATIENCE = 10.0

#: Fields whose values are JSON already: copying them, as ``asdict`` does, costs more than sending.
_CHECK = tuple(field.name for field in fields(Check))
_ASKED = tuple(field.name for field in fields(PlanRequest) if field.name != "config")

T = TypeVar("T")
#: Numbers the pools of this process, so that ending one leaves the others' processes alone.
_pools = itertools.count(1)


class LocalExecutor:
    """A pool of workers for runs under ``rules``, as many as ``verification.parallel`` says.

    Every process of the pool is marked for ``descendants.end_orphans`` with
    the key of the repository's state folder. ``others`` False leaves out all
    plugins but the project's own; ``patience`` are the seconds a plugin gets
    beyond a check's timeout; ``ready`` are workers that were started before.
    Thread-safe; close it, or use it as a context.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        others: bool = True,
        patience: float = PATIENCE,
        ready: Iterable[Worker] = (),
    ) -> None:
        self.parallel = max(rules.config.verification.parallel, 1)
        self._folder = rules.folder
        self._plugins = rules.config.verification.plugins
        self._others = others
        self._patience = patience
        self._key = descendants.marker_key(rules.state)
        self._marker = f"{descendants.marker(rules.state)}/{next(_pools)}"
        self._lock = threading.Lock()
        self._idle = list(ready)
        self._busy: set[Worker] = set()
        self._count = 0
        self._alone = False
        self._aborted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.abort()
        self.close()

    def describe(self) -> Described:
        """Every plugin; one that hangs or crashes while it is loaded becomes a problem."""
        skip: list[str] = []
        problems: list[Problem] = []
        while True:
            request = {
                "do": "describe",
                "local": self._plugins,
                "folder": str(self._folder),
                "others": self._others,
                "skip": skip,
            }
            try:
                answer = self._ask(request, _LOAD_TIMEOUT)
            except (WorkerDied, WorkerHung) as error:
                if error.loading is None or error.loading in skip or self._aborted:
                    raise
                skip.append(error.loading)
                message = f'plugin "{error.loading}" cannot be loaded: {error.message}'
                problems.append(Problem(error.loading, message))
                continue
            usable = tuple(PluginDescription(**value) for value in answer["plugins"])
            problems += [Problem(**value) for value in answer["problems"]]
            return Described(usable, tuple(problems))

    def plan(self, plugin: PluginDescription, request: PlanRequest, timeout: float) -> list[Check]:
        """What a plugin plans, proved. Raises ``PluginTrouble``."""
        told = {name: getattr(request, name) for name in _ASKED}
        asked = {"do": "plan", "source": plugin.source, "request": told}
        answer = self._ask(asked, timeout, request.config)
        planned = _decoded(plugin, lambda: [check_from_json(value) for value in answer["checks"]])
        if planned and self.parallel > 1:
            self._get_another_ready()
        return planned

    def execute(
        self,
        plugin: PluginDescription,
        check: Check,
        context: Mapping[str, Json],
        timeout: float,
    ) -> CheckResult:
        """Execute a check; ``context`` are the fields of a ``CheckContext`` but ``runner``.

        Raises ``PluginTrouble``.
        """
        request = {
            "do": "execute",
            "source": plugin.source,
            "check": {name: getattr(check, name) for name in _CHECK},
            "context": {name: value for name, value in context.items() if name != "config"},
        }
        answer = self._ask(request, timeout + self._patience, context["config"])
        return _decoded(plugin, lambda: CheckResult.from_json(answer["result"]))

    def command(
        self, command: str, cwd: str, environment: Mapping[str, str], timeout: float
    ) -> CommandResult:
        """Run a command that belongs to no plugin, as a prepare step. Raises ``PluginTrouble``."""
        request = {
            "do": "command",
            "command": command,
            "cwd": cwd,
            "environment": environment,
            "timeout": timeout,
        }
        return CommandResult(**self._ask(request, timeout + self._patience)["ended"])

    def abort(self) -> None:
        """End every worker with all it started, now; whatever is asked fails from here on."""
        with self._lock:
            self._aborted = True
            workers = [*self._idle, *self._busy]
        for worker in workers:
            worker.kill()

    def close(self) -> None:
        """Let idle workers leave."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def _ask(
        self, request: Mapping[str, Json], timeout: float, config: Mapping[str, Json] | None = None
    ) -> dict[str, Json]:
        worker = self._take()
        try:
            answer = worker.ask(request, timeout, config)
        except (WorkerDied, WorkerHung):
            self._discard(worker)
            raise
        except PluginTrouble:
            self._give_back(worker)
            raise
        except BaseException:
            self._discard(worker)
            raise
        self._give_back(worker)
        return answer

    def _take(self) -> Worker:
        """An idle worker, or a new one; before the first, what killed predecessors left ends."""
        with self._lock:
            if self._aborted:
                raise WorkerDied("the run was stopped")
            if not self._alone:
                descendants.end_orphans(self._key)
                self._alone = True
            worker = self._idle.pop() if self._idle else self._started()
            self._busy.add(worker)
            return worker

    def _get_another_ready(self) -> None:
        """Start a second worker, for checks that will run: it takes a while until it answers."""
        with self._lock, contextlib.suppress(OSError):
            if not self._aborted and len(self._idle) + len(self._busy) < 2:
                self._idle.insert(0, self._started())  # who is warm is taken first

    def _started(self) -> Worker:
        self._count += 1
        return Worker(f"{self._marker}/{self._count}")

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            self._busy.discard(worker)
            self._idle.append(worker)

    def _discard(self, worker: Worker) -> None:
        with self._lock:
            self._busy.discard(worker)
        worker.kill()
        worker.close()


def _decoded(plugin: PluginDescription, decode: Callable[[], T]) -> T:
    try:
        return decode()
    except (KeyError, TypeError, ValueError) as error:
        raise PluginTrouble(f'plugin "{plugin.name}": its answer is not usable: {error}') from error
