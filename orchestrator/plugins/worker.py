"""The child program that plugins run in: ``python -P -m orchestrator.plugins.worker IN OUT``.

Speaks JSON lines over two pipes of its own (plugins may print), executes one
request at a time, and ends with everything it started as soon as its parent
closes the pipe or dies. Whatever hangs or crashes in here is the parent's to
end: see ``remote``.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from orchestrator import descendants
from orchestrator.plugins import manager, wire
from orchestrator.plugins.commands import run_command
from orchestrator.plugins.outputs import Recorder
from orchestrator.plugins.spec import (
    CheckContext,
    CheckResult,
    CommandResult,
    Json,
    PlanRequest,
)

__all__ = ["main"]

Answer = dict[str, Json]
_TRACEBACK_LINES = 12


def main(arguments: Sequence[str]) -> None:
    """Serve until the parent closes the pipe."""
    incoming, outgoing = (int(value) for value in arguments)
    sys.dont_write_bytecode = True
    descendants.become_reaper()
    requests: queue.Queue[Answer] = queue.Queue()
    threading.Thread(target=_listen, args=(incoming, requests), daemon=True).start()
    worker = _Worker(outgoing)
    while True:
        worker.serve(requests.get())


def _listen(incoming: int, requests: queue.Queue[Answer]) -> None:
    """Hand over requests; when the parent is gone, end every child and this process."""
    with os.fdopen(incoming, encoding="utf-8") as pipe:
        for line in pipe:
            requests.put(json.loads(line))
    descendants.end_children()
    os._exit(0)


class _Worker:
    """Answers requests with the plugins it has loaded so far."""

    def __init__(self, outgoing: int) -> None:
        self._pipe = os.fdopen(outgoing, "w", encoding="utf-8")
        self._loaded: dict[str, manager.Plugin] = {}
        self._config: Json = {}

    def serve(self, request: Answer) -> None:
        handlers: dict[str, Callable[[Answer], Answer]] = {
            "describe": self._describe,
            "plan": self._plan,
            "execute": self._execute,
            "command": self._command,
        }
        self._config = request.get("config", self._config)
        try:
            answer = handlers[request["do"]](request)
        except manager.PluginRefused as error:
            answer = {"trouble": error.message}
        except wire.Nonsense as error:
            answer = {"trouble": f'plugin "{_name(request)}" returned nonsense: {error}'}
        except BaseException as error:
            # SystemExit and KeyboardInterrupt too: a plugin must not end the worker politely.
            answer = {"trouble": f'plugin "{_name(request)}" raised {_last_lines(error)}'}
        self._say(answer)

    def _say(self, answer: Answer) -> None:
        self._pipe.write(json.dumps(answer) + "\n")
        self._pipe.flush()

    def _plugin(self, source: Mapping[str, str]) -> manager.Plugin:
        if source["place"] not in self._loaded:
            self._loaded[source["place"]] = manager.load(manager.Source(**source))
        return self._loaded[source["place"]]

    def _config_for(self, plugin: manager.Plugin) -> Json:
        """The configuration that was sent last; a copy for who might change it for the others."""
        ours = plugin.source.kind == "builtin"
        return self._config if ours else json.loads(json.dumps(self._config))

    def _describe(self, request: Answer) -> Answer:
        """Load every plugin, saying which before each, so that the parent knows who hung."""
        problems: list[wire.Problem] = []
        loaded: list[manager.Plugin] = []
        sources = manager.discover(
            request["local"], Path(request["folder"]), others=request["others"]
        )
        for source in sources:
            if source.name in request["skip"]:
                continue
            self._say({"loading": source.name})
            try:
                loaded.append(self._plugin(asdict(source)))
            except manager.PluginRefused as error:
                problems.append(wire.Problem(source.name, error.message, error.hint))
        twins = manager.refuse_twins(loaded)
        problems += [wire.Problem(p.source.name, e.message, e.hint) for p, e in twins]
        usable = [plugin for plugin in loaded if plugin not in [twin for twin, _ in twins]]
        described = [
            wire.PluginDescription(p.info.name, p.info.version, p.info.family, asdict(p.source))
            for p in usable
        ]
        return asdict(wire.Described(tuple(described), tuple(problems)))

    def _plan(self, request: Answer) -> Answer:
        plugin = self._plugin(request["source"])
        value = request["request"]
        changed = None if value["changed"] is None else tuple(value["changed"])
        layers, config = tuple(value["layers"]), self._config_for(plugin)
        asked = PlanRequest(**{"config": config, **value, "layers": layers, "changed": changed})
        return {"checks": wire.proved_checks(plugin.plan(asked), plugin.info.name)}

    def _execute(self, request: Answer) -> Answer:
        plugin = self._plugin(request["source"])
        context = {"config": self._config_for(plugin), **request["context"]}
        outputs = context.pop("outputs", None)
        runner = Recorder(_run, Path(outputs), request["check"]["id"]) if outputs else _run
        upstream = {k: CheckResult.from_json(v) for k, v in context["upstream"].items()}
        executed = plugin.execute(
            wire.check_from_json(request["check"]),
            CheckContext(**{**context, "upstream": upstream, "runner": runner}),
        )
        if isinstance(runner, Recorder) and isinstance(executed, CheckResult):
            proved = CheckResult.from_json(wire.proved_result(executed))
            return {"result": runner.kept(proved).to_json()}
        return {"result": wire.proved_result(executed)}

    def _command(self, request: Answer) -> Answer:
        ended = _run(
            request["command"],
            cwd=request["cwd"],
            environment=request["environment"],
            timeout=request["timeout"],
        )
        return {"ended": asdict(replace(ended, output=ended.output[-wire.MAX_OUTPUT :], stdout=""))}


def _run(
    command: str | Sequence[str], *, environment: Mapping[str, str], **how: Any
) -> CommandResult:
    """The ``CommandRunner`` of checks: every process it starts carries this worker's marker.

    ``how`` are its other arguments, unread here.
    """
    mark = {descendants.MARKER: os.environ.get(descendants.MARKER, "")}
    return run_command(command, environment={**environment, **mark}, **how)


def _name(request: Answer) -> str:
    source: dict[str, Any] = request.get("source") or {}
    return str(source.get("name", "?"))


def _last_lines(error: BaseException) -> str:
    lines = "".join(traceback.format_exception(error)).strip().splitlines()
    shown = "\n".join(lines[-_TRACEBACK_LINES:])
    return f"{type(error).__name__}: {error}\n{shown}"


if __name__ == "__main__":
    main(sys.argv[1:])
