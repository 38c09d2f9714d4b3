"""What a run is asked for, and the port through which it executes anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from orchestrator.git import Repository
from orchestrator.plugins.spec import Check, CheckResult, CommandResult, Json, PlanRequest
from orchestrator.plugins.wire import Described, PluginDescription
from orchestrator.verification.checkout import Candidate
from orchestrator.verification.rules import Rules

__all__ = ["Executor", "Request"]


class Executor(Protocol):
    """Where plugins run. Calls block; several threads call at once, at most ``parallel``."""

    parallel: int

    def describe(self) -> Described:
        """Every plugin, usable or not."""

    def plan(self, plugin: PluginDescription, request: PlanRequest, timeout: float) -> list[Check]:
        """What a plugin plans. Raises ``PluginTrouble``."""

    def execute(
        self,
        plugin: PluginDescription,
        check: Check,
        context: Mapping[str, Json],
        timeout: float,
    ) -> CheckResult:
        """Execute one check. Raises ``PluginTrouble``."""

    def command(
        self, command: str, cwd: str, environment: Mapping[str, str], timeout: float
    ) -> CommandResult:
        """Run a command of the project's own. Raises ``PluginTrouble``."""

    def abort(self) -> None:
        """End everything now; every call fails from here on."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to verify and under which rules.

    ``everything`` checks all layers, whatever changed; ``layers`` (names)
    checks these alone and nothing project-wide. ``policy_from`` says in the
    report whose rules were in force; ``warnings`` are put into it first.
    ``fresh`` executes every check, whatever earlier runs found.
    """

    repository: Repository
    candidate: Candidate
    rules: Rules
    run_id: str
    everything: bool = False
    layers: tuple[str, ...] | None = None
    policy_from: str = "base"
    warnings: tuple[str, ...] = ()
    fresh: bool = False
