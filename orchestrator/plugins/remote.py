"""A worker process seen from here: ask it, bounded in time; end it with all it started."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping

from orchestrator import descendants
from orchestrator.environment import allowed
from orchestrator.errors import OrchestrateError
from orchestrator.plugins.json_values import Json

__all__ = ["PluginTrouble", "Worker", "WorkerDied", "WorkerHung"]

#: The longest answer a worker may give, in bytes.
_MAX_ANSWER = 64 << 20
_NOISE_LINES = 20
#: Seconds an idle worker gets to leave when its pipe is closed.
_LEAVE = 2.0


class PluginTrouble(OrchestrateError):
    """A plugin raised, returned nonsense, hung, or ended its process.

    Happens while a plugin plans or executes. The check it was about counts as
    errored, so nothing is approved because of it; other plugins go on. The
    message names the plugin and shows the end of its traceback: mend the
    plugin, or take it out of ``verification.plugins``.
    """

    code = "E503"
    loading: str | None = None


class WorkerHung(PluginTrouble):
    """A plugin did not answer in time; its process was ended.

    Happens when planning, or a check with its commands, takes longer than its
    timeout and the plugin does not notice. Raise the check's ``timeout`` or
    mend the plugin.
    """

    code = "E504"


class WorkerDied(PluginTrouble):
    """The process a plugin ran in ended.

    Happens when a plugin crashes the interpreter or calls ``os._exit``, or
    when the system ended the process (out of memory). The message ends with
    what the process printed last.
    """

    code = "E505"


class Worker:
    """One worker process. Used by one thread at a time; ``kill`` may come from any."""

    def __init__(self, marker: str) -> None:
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        self._marker = marker
        self._config: Mapping[str, Json] | None = None
        self._asked = False
        self._buffer = b""
        self._noise: deque[bytes] = deque(maxlen=_NOISE_LINES)
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "orchestrator.plugins.worker",
                str(requests),
                str(answers),
            ],
            pass_fds=(requests, answers),
            cwd="/",
            env={**allowed(), "PYTHONUTF8": "1", descendants.MARKER: marker},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        os.close(requests)
        os.close(answers)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def ask(
        self,
        request: Mapping[str, Json],
        timeout: float,
        config: Mapping[str, Json] | None = None,
    ) -> dict[str, Json]:
        """Send a request and wait for its answer.

        ``config`` goes along, unless this worker was sent that very object last.
        Raises ``PluginTrouble`` when the answer is trouble, ``WorkerHung`` or
        ``WorkerDied`` (then the worker is of no more use). Their attribute
        ``loading`` names the plugin that was being loaded.
        """
        deadline = time.monotonic() + timeout
        loading: str | None = None
        self._asked = True
        if config is not None and config is not self._config:
            request, self._config = {**request, "config": config}, config
        try:
            self._send(request, deadline)
            while "loading" in (answer := json.loads(self._line(deadline, timeout))):
                loading = answer["loading"]
        except (OSError, ValueError) as error:
            self.kill()
            raise _about(WorkerDied(f"the worker cannot be talked to: {error}"), loading) from error
        except PluginTrouble as error:
            self.kill()
            raise _about(error, loading) from None
        if "trouble" in answer:
            raise PluginTrouble(answer["trouble"])
        reply: dict[str, Json] = answer
        return reply

    def kill(self) -> None:
        """End the worker and everything it started, also what got away from it."""
        if self._process.poll() is None:
            descendants.end_tree(self._process.pid)
            self._process.wait()
        descendants.end_strays(self._marker)

    def close(self) -> None:
        """Let the worker leave; kill it if it does not."""
        self._close_pipe("_requests")
        if not self._asked:
            self._process.kill()  # it may still be starting; no plugin was in it
        try:
            self._process.wait(_LEAVE)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close_pipe("_answers")
        self._listener.join(_LEAVE)

    def _close_pipe(self, name: str) -> None:
        descriptor = getattr(self, name)
        if descriptor >= 0:
            setattr(self, name, -1)
            os.close(descriptor)

    def _send(self, request: Mapping[str, Json], deadline: float) -> None:
        unsent = memoryview(json.dumps(request).encode() + b"\n")
        os.set_blocking(self._requests, False)
        while unsent:
            _, ready, _ = select.select([], [self._requests], [], _left(deadline))
            if not ready:
                raise WorkerHung("the worker does not read its requests")
            with contextlib.suppress(BlockingIOError):
                unsent = unsent[os.write(self._requests, unsent) :]

    def _line(self, deadline: float, timeout: float) -> bytes:
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], _left(deadline))
            if not ready:
                raise WorkerHung(f"it did not answer within {timeout:g} s; it was ended")
            data = os.read(self._answers, 1 << 16)
            if not data:
                raise WorkerDied(self._last_words())
            self._buffer += data
            if len(self._buffer) > _MAX_ANSWER:
                raise WorkerDied("its answer is too large")
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _last_words(self) -> str:
        """How the process ended, and the end of what it printed."""
        code = self._process.wait()
        self._listener.join(_LEAVE)
        how = f"was killed by signal {-code}" if code < 0 else f"exited with status {code}"
        said = b"".join(self._noise).decode(errors="replace").strip()
        return f"the process it ran in {how}" + (f"; it said:\n{said}" if said else "")

    def _listen(self) -> None:
        """Keep the end of what plugins print; they must never wait for somebody to read it."""
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in iter(lambda: stream.readline(1 << 16), b""):
                self._noise.append(line[-500:])


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.0)


def _about(error: PluginTrouble, loading: str | None) -> PluginTrouble:
    error.loading = loading
    return error
