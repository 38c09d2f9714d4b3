"""Starts the services of a flow, waits until they can be used, and ends them.

A service runs in a thread that waits in the check's own command runner: so it
carries the run's marker and is ended, with all its descendants, by whatever
ends the commands of a check.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Mapping, Sequence

from orchestrator.errors import OrchestrateError
from orchestrator.plugins.builtin.dataflow import ports, readiness
from orchestrator.plugins.builtin.dataflow.stage import Stage
from orchestrator.plugins.spec import CommandResult, Json

__all__ = ["Service", "ServiceTrouble", "Services"]

#: A service is started again on another port, where its own was taken meanwhile.
_STARTS = 3
_IN_USE = re.compile(
    r"address (is )?already in use|port \d+ is (already )?(in use|allocated)|EADDRINUSE"
    r"|address in use",
    re.IGNORECASE,
)
_SHOWN = 300
_KEPT = 16_000


class ServiceTrouble(OrchestrateError):
    """A service of a flow could not be used.

    Happens when the program cannot be started, ends although the flow still
    needs it, or is not ready in time. Nothing is known about the work then:
    the check is errored. What the service printed is kept with the check. A
    service has to stay in the foreground and listen on ``{port}``; raise
    ``ready.within`` where it needs longer.
    """

    code = "E460"


class Service:
    """One service that was started."""

    def __init__(self, service: Mapping[str, Json], port: int, stage: Stage, limit: float) -> None:
        self.name: str = service["name"]
        self.port = port
        self._stop_read, self._stop_write = os.pipe()
        self._ended = threading.Event()
        self._result: CommandResult | None = None
        # Its own port by its short name too; a stage knows only those that are ready.
        command = stage.fill(service["run"]).replace("{port}", str(port))
        own = {
            name: stage.fill(text, quoted=False).replace("{port}", str(port))
            for name, text in service["environment"].items()
        }
        extra = {"PORT": str(port), **own}
        work = (stage, command, extra, limit)
        self._thread = threading.Thread(target=self._run, args=work, daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended, for so long at most; whether it has."""
        return self._ended.wait(seconds)

    def how(self, when: str) -> str:
        """That it ended, how and ``when``, with the end of what it printed."""
        result = self._result
        if result is None or result.status == "missing":
            said = "" if result is None else _last_line(result.output)
            return f"service {self.name} cannot be run: is the command there?{said}"
        ended = "was ended by signal" if result.status == "signalled" else "ended with status"
        return f"service {self.name} {ended} {result.code} {when}{_last_line(result.output)}"

    def stop(self) -> str:
        """End it with all its descendants; what it printed."""
        if self._stop_write >= 0:
            os.close(self._stop_write)
            self._stop_write = -1
            self._thread.join()
            os.close(self._stop_read)
        return "" if self._result is None else self._result.output

    def _run(self, stage: Stage, command: str, extra: Mapping[str, str], limit: float) -> None:
        try:
            self._result = stage.run(command, timeout=limit, extra=extra, stop=self._stop_read)
        finally:
            self._ended.set()


class Services:
    """The services of one flow, in the order they were started. A context: leaving it ends them."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._running: list[Service] = []
        self._printed: dict[str, str] = {}

    def start(self, services: Sequence[Mapping[str, Json]], deadline: float) -> None:
        """Start each when the one before is ready. Raises ``ServiceTrouble``."""
        for service in services:
            for attempt in range(1, _STARTS + 1):
                if self._started(service, deadline, last=attempt == _STARTS):
                    break

    def gone(self, patience: float = 0.0) -> str | None:
        """What to say of the first service that has ended already, or does within ``patience``."""
        until = time.monotonic() + patience
        for service in self._running:
            if service.wait(max(until - time.monotonic(), 0)):
                return service.how("while the flow ran")
        return None

    def end(self) -> None:
        """End all, the last one first."""
        while self._running:
            self._forget(self._running.pop())

    def printed(self) -> str:
        """What they printed, each under its name."""
        return "\n".join(
            f"--- service {name}\n{text[-_KEPT:]}" for name, text in self._printed.items() if text
        )

    def _started(self, service: Mapping[str, Json], deadline: float, *, last: bool) -> bool:
        """Start one and wait for it; False where its port was taken by somebody else."""
        ready = service["ready"]
        left = deadline - time.monotonic()
        running = Service(service, self._port(), self._stage, left + 60)
        self._running.append(running)
        self._stage.ports[running.name] = running.port
        until = min(deadline, time.monotonic() + float(ready["within"]))
        while not running.wait(0):
            trouble = readiness.trouble(ready, running.port, self._stage, until)
            if trouble is None:
                return True
            if time.monotonic() >= until or trouble.final:
                within = f" within {min(float(ready['within']), left):g} s"
                self._forget(self._running.pop())
                said = _last_line(self._printed[running.name])
                waited = "" if trouble.final else within
                raise ServiceTrouble(
                    f"service {running.name} was not ready{waited}: {trouble.reason}{said}"
                )
            running.wait(min(readiness.PAUSE, max(until - time.monotonic(), 0)))
        self._forget(self._running.pop())
        if _IN_USE.search(self._printed[running.name]) and not last:
            return False
        raise ServiceTrouble(running.how("before it was ready"))

    def _port(self) -> int:
        try:
            return ports.reserve()
        except OSError as error:
            raise ServiceTrouble(f"there is no port for a service: {error}") from error

    def _forget(self, service: Service) -> None:
        self._printed[service.name] = service.stop()
        ports.release(service.port)


def _last_line(printed: str) -> str:
    lines = printed.strip().splitlines()
    return f"; it said: {lines[-1].strip()[:_SHOWN]}" if lines else ""
