"""The stage of the demonstration: the sample project with a real watch running beside it.

Every step is the command a user would type, as a process of its own, in a sealed
environment. What happens is heard from the event log. Decides nothing and tells
nothing: ``demo`` does.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType

from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.scaffold.sample import Sample
from orchestrator.store.port import Row
from orchestrator.store.sqlite import open_store

__all__ = ["DemoFailed", "Stage"]

_ORCHESTRATE = (sys.executable, "-P", "-m", "orchestrator")
#: How long a watch may take to leave after SIGTERM before it is killed, in seconds.
_GRACE = 15.0
#: How often the store is asked whether anything happened, in seconds.
_POLL = 0.05


class DemoFailed(OrchestrateError):
    """The demonstration did not go as told.

    The message says what was expected and what happened; the end of the watch's
    log stands above it. The folder is kept, so that you can look around. On a
    very busy machine a benchmark may stay undecided: try again when it is calm.
    """

    code = "E142"
    exit_status = EXIT["failed"]


class Stage:
    """The sample with a watch, which ends when the ``with`` block does.

    ``heard`` is called with every new event of the log, in order; ``seen`` with
    every line the watch prints, from another thread. Once ``stop`` is set, the
    step that waits or comes next raises ``KeyboardInterrupt``.
    """

    def __init__(
        self,
        sample: Sample,
        heard: Callable[[Row], None],
        seen: Callable[[str], None],
        stop: threading.Event,
    ) -> None:
        self.sample, self.heard, self.seen, self._stop = sample, heard, seen, stop
        self.log = sample.folder / "watch.log"
        self.store = open_store(sample.state, project="shop")
        self._watch: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._last = 0
        self._heard: deque[Row] = deque()

    def __enter__(self) -> Stage:
        self._watch = subprocess.Popen(
            [*_ORCHESTRATE, "watch"],
            cwd=self.sample.main,
            env=dict(self.sample.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Ctrl-C reaches the demonstration alone, which then ends the watch.
            process_group=0,
        )
        self._reader = threading.Thread(target=self._read, args=(self._watch,), daemon=True)
        self._reader.start()
        return self

    def _read(self, watch: subprocess.Popen[str]) -> None:
        """Keep what the watch prints, and pass it on."""
        assert watch.stdout is not None
        with self.log.open("w") as log, watch.stdout as lines:
            for line in lines:
                log.write(line)
                log.flush()
                self.seen(line.rstrip("\n"))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.stop()
        finally:
            self.store.close()

    def stop(self) -> int:
        """End the watch as a user would; its exit status. Harmless twice."""
        if self._watch is None:
            return 0
        if self._watch.poll() is None:
            self._watch.terminate()
        try:
            status = self._watch.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._watch.kill()
            status = self._watch.wait()
        if self._reader:
            self._reader.join(_GRACE)
        self._listen()
        return status

    def run(self, place: str, *arguments: str, given: str = "", session: bool = False) -> str:
        """Run ``orchestrate`` in the worktree of ``place``; what it printed.

        With ``session`` it is called by the client of the instance that works
        there, otherwise by a human. Raises ``DemoFailed``.
        """
        done = subprocess.run(
            [*_ORCHESTRATE, *arguments],
            cwd=self.sample.worktree(place),
            env=self._environment(place if session else None),
            input=given,
            capture_output=True,
            text=True,
        )
        self._go_on()  # Ctrl-C ended the command too
        if done.returncode != 0:
            command = " ".join(("orchestrate", *arguments))
            raise DemoFailed(f"{command}\nended with status {done.returncode}: {done.stderr}")
        self._listen()
        return done.stdout

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise KeyboardInterrupt

    def _listen(self) -> None:
        """Take in what is new in the log, and pass it on."""
        for event in list(self.store.events(after=self._last)):
            self._last = event["seq"]
            self._heard.append(event)
            self.heard(event)

    def _environment(self, instance: str | None) -> Mapping[str, str]:
        variables = dict(self.sample.environment)
        if instance:
            variables["CLAUDE_CODE_SESSION_ID"] = f"demo-{instance}"
        return variables

    def until(self, wanted: Callable[[Row], bool], expected: str, seconds: float = 120.0) -> Row:
        """Hear events until one is ``wanted``; that event.

        Raises ``DemoFailed`` when ``expected`` does not happen in time, or when
        the watch has ended.
        """
        deadline = time.monotonic() + seconds
        while True:
            self._go_on()
            self._listen()
            while self._heard:
                event = self._heard.popleft()
                if wanted(event):
                    return event
            if self._watch and self._watch.poll() is not None:
                raise DemoFailed(f"expected: {expected}; but the watch has ended")
            if time.monotonic() > deadline:
                raise DemoFailed(f"expected: {expected}; but it did not happen in {seconds:.0f} s")
            self._stop.wait(_POLL)

    def row(self, table: str, name: str) -> Row:
        """A row of the store. Raises ``DemoFailed`` where there is none."""
        found = self.store.read(lambda reader: reader.get(table, id=name))
        if found is None:
            raise DemoFailed(f"there is no {name} in {table}")
        return found

    def said(self, lines: int = 30) -> str:
        """The end of the watch's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
