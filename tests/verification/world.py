"""A real repository, a real plugin in a real worker: what the tests of runs share."""

from __future__ import annotations

import itertools
import textwrap
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.config.model import Check as ConfiguredCheck
from orchestrator.config.model import Config, Layer, Verification
from orchestrator.engine.executor import LocalExecutor
from orchestrator.git import Repository, find
from orchestrator.plugins.spec import Check
from orchestrator.verification.checkout import Candidate
from orchestrator.verification.outcome import CheckReport, Report
from orchestrator.verification.progress import Listener
from orchestrator.verification.rules import Rules
from orchestrator.verification.run import Request, verify
from tests.conftest import commit

#: A plugin that runs each command of each affected layer, and says so plainly.
COMMANDS = """
from orchestrator.plugins.spec import (
    Check, CheckResult, Finding, Outcome, PluginInfo, Severity, hookimpl)

@hookimpl
def orchestrate_plugin():
    return PluginInfo("commands", "1", "integrity")

@hookimpl
def orchestrate_plan(request):
    return [
        Check(f"{layer}/{c['name']}", "integrity", "commands", c["name"], layer=layer,
              spec={"run": c["run"], "bracket": True}, timeout=c["timeout"],
              **c["options"])
        for layer in request.layers
        for c in request.config["layers"][layer]["checks"]
    ]

@hookimpl
def orchestrate_execute(check, context):
    ended = context.run(check.spec["run"])
    if ended.status != "exited":
        return CheckResult(Outcome.ERRORED, f"{ended.status} {ended.code}", output=ended.output)
    if ended.code:
        finding = Finding("exit", Severity.BREAKING, f"exit {ended.code}")
        return CheckResult(Outcome.FAILED, f"exit {ended.code}", (finding,), output=ended.output)
    return CheckResult(Outcome.PASSED, output=ended.output, metrics={"code": 0})
"""


class Recorder:
    """A listener that keeps what it heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.total = 0
        self.on_started: Callable[[Check], None] = lambda check: None

    def planned(self, checks: Sequence[Check]) -> None:
        self.total = len(checks)

    def started(self, check: Check) -> None:
        self.heard.append(("started", check.id))
        self.on_started(check)

    def finished(self, report: CheckReport) -> None:
        self.heard.append(("finished", report.id))


def layer(name: str, /, *needs: str, **commands: str) -> Layer:
    """A layer that owns the folder of its name, with a check for each command."""
    checks = tuple(ConfiguredCheck(check, run=run) for check, run in commands.items())
    return Layer(name, (f"{name}/**",), depends_on=needs, checks=checks)


class World:
    """A repository and how to verify in it. ``report`` runs the real thing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository: Repository = find(folder)
        self.rules_folder = self.repository.state / "rules" / "test"
        self._plugins = itertools.count(1)
        self.plugins: list[str] = []
        self.candidate = Candidate.of(self.repository.git, "HEAD")

    def plugin(self, text: str) -> str:
        """Add a local plugin; its path relative to the rules."""
        name = f"plugins/p{next(self._plugins)}.py"
        path = self.rules_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        self.plugins.append(name)
        return name

    def commit(self, files: dict[str, str | None]) -> None:
        """Commit; what is verified from here on is this commit against the one before."""
        base = self.repository.git.commit("HEAD")
        head = commit(self.folder, files)
        self.candidate = Candidate.of(self.repository.git, head, base)

    def config(self, *layers: Layer, **verification: Any) -> Config:
        return Config(
            "sample",
            {each.name: each for each in layers},
            verification=Verification(**verification),
        )

    def report(
        self,
        config: Config,
        *,
        listener: Listener | None = None,
        stop: threading.Event | None = None,
        patience: float = 5.0,
        run_id: str = "run-1",
        **request: Any,
    ) -> Report:
        if not self.plugins:
            self.plugin(COMMANDS)
        verification = replace(config.verification, plugins=tuple(self.plugins))
        config = replace(config, verification=verification)
        rules = Rules(config, None, self.rules_folder, "commit")
        asked = Request(
            self.repository,
            self.candidate,
            rules,
            run_id,
            **{"everything": True, **request},
        )
        with LocalExecutor(rules, others=False, patience=patience) as executor:
            return verify(asked, executor=executor, listener=listener, stop=stop)


def outcomes(report: Report) -> dict[str, str]:
    """Check id → outcome."""
    return {check.id: str(check.outcome) for check in report.checks}


def until(condition: Callable[[], bool]) -> bool:
    """Poll ``condition`` until it holds; False after twenty seconds."""
    deadline = time.monotonic() + 20
    while not (held := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return held


def number_in(file: Path) -> int:
    """The number another process writes into ``file``, as a line, sooner or later."""
    assert until(lambda: file.exists() and file.read_text().endswith("\n")), "nothing was told"
    return int(file.read_text())
