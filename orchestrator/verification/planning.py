"""Asks every plugin which checks it plans, or remembers what they answered.

Whoever cannot answer becomes an errored check of its own. Plugins plan from
the configuration and the candidate's files and run nothing, so where neither
these nor the plugins have changed, nobody has to be asked again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestrator.config.model import Config
from orchestrator.environment import allowed
from orchestrator.plugins.remote import PluginTrouble
from orchestrator.plugins.spec import (
    FAMILIES,
    Check,
    CheckResult,
    Json,
    Outcome,
    PlanRequest,
    dumps,
)
from orchestrator.plugins.wire import Described, PluginDescription, check_from_json
from orchestrator.verification import fingerprints
from orchestrator.verification.outcome import CheckReport
from orchestrator.verification.port import Executor, Request
from orchestrator.verification.replay import Replay

__all__ = ["Planned", "Planning", "blamed", "stands_for"]


@dataclass(frozen=True, slots=True)
class Planned:
    """Every plugin's checks, and an errored check for each plugin that could not be asked."""

    plugins: tuple[PluginDescription, ...]
    checks: tuple[Check, ...]
    troubles: tuple[CheckReport, ...] = ()


class Planning:
    """Plans one run. ``layers`` are the affected ones."""

    def __init__(self, request: Request, layers: tuple[str, ...], replay: Replay) -> None:
        self._request, self._layers, self._cache = request, layers, replay.cache
        self._config = request.rules.config
        self._json = self._config.to_json()
        self._key = self._made_key(replay) if self._config.verification.cache.enabled else None

    def known(self) -> Planned | None:
        """The plan as it was made before from the same things, or None."""
        value = self._cache.get(self._key).value if self._key and not self._request.fresh else None
        if value is None:
            return None
        plugins = tuple(PluginDescription(**plugin) for plugin in value["plugins"])
        return Planned(plugins, tuple(check_from_json(check) for check in value["checks"]))

    def ask(
        self, described: Described, checkout: Path, executor: Executor, timeout: float
    ) -> Planned:
        """Ask each plugin in ``described``, at most ``timeout`` seconds long each."""
        troubles = [
            stands_for(
                f"plugin:{problem.plugin}",
                problem.plugin,
                f"{problem.message}\nhint: {problem.hint}" if problem.hint else problem.message,
            )
            for problem in described.problems
        ]
        asked = PlanRequest(
            config=self._json,
            layers=self._layers,
            changed=self._changed(),
            checkout=str(checkout),
            base=self._request.candidate.base,
            project_wide=self._request.layers is None,
        )
        checks: dict[str, Check] = {}
        for plugin in described.plugins:
            identity = f"plugin:{plugin.name}"
            try:
                planned = executor.plan(plugin, asked, timeout)
            except PluginTrouble as error:
                message = blamed(plugin.name, error.message)
                troubles.append(stands_for(identity, plugin.family, message))
                continue
            for check in planned:
                if checks.setdefault(check.id, check) is not check:
                    message = f'plugin "{plugin.name}" planned {check.id!r}, which is taken'
                    troubles.append(stands_for(identity, plugin.family, message))
        wide = self._request.layers is None
        for identity, message in _unplanned(self._config, self._layers, checks.values(), wide=wide):
            troubles.append(stands_for(identity, "integrity", message))
        made = Planned(described.plugins, tuple(checks.values()), tuple(troubles))
        self._remember(made)
        return made

    def _changed(self) -> tuple[str, ...] | None:
        return None if self._request.everything else self._request.candidate.changed

    def _remember(self, planned: Planned) -> None:
        if self._key and not planned.troubles:
            value: Json = {
                "plugins": [asdict(plugin) for plugin in planned.plugins],
                "checks": [asdict(check) for check in planned.checks],
            }
            self._cache.put(self._key, value)

    def _made_key(self, replay: Replay) -> str | None:
        """Everything plugins plan from, and what they are; None where that cannot be told."""
        candidate, rules = self._request.candidate, self._request.rules
        try:
            local = [_content(rules.folder / name) for name in self._config.verification.plugins]
            parts = {
                "host": replay.host,
                "plugins": [str(rules.folder), local],
                "environment": fingerprints.digest(allowed()),
                "configuration": self._config.digest,
                "candidate": [candidate.tree, candidate.head, candidate.base],
                "asked": [self._layers, self._changed(), self._request.layers is None],
            }
        except (OSError, fingerprints.TooMany):
            return None
        return hashlib.sha256(dumps({"plan": parts}).encode(errors="surrogateescape")).hexdigest()


def _content(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def stands_for(identity: str, family: str, message: str) -> CheckReport:
    """An errored check that stands for a plugin that could not be asked."""
    return CheckReport(
        id=identity,
        family=family if family in FAMILIES else "integrity",
        title=f"load and ask {identity}",
        plugin=identity.removeprefix("plugin:"),
        layer=None,
        result=CheckResult(Outcome.ERRORED, message),
    )


def _unplanned(
    config: Config, layers: Iterable[str], planned: Collection[Check], *, wide: bool
) -> Iterator[tuple[str, str]]:
    """Checks the configuration leaves to a plugin (``uses``) that it did not plan.

    Nobody would miss them otherwise: they would silently not run. A plugin may
    give its checks other ids, as long as it plans as many as it was left.
    """
    ids = {check.id for check in planned}
    made = Counter((check.plugin, check.layer) for check in planned)
    places = [(name, name, config.layers[name].checks) for name in layers]
    entries = [*places, *([("integration", None, config.integration_tests)] if wide else [])]
    for prefix, layer, checks in entries:
        left = Counter(check.uses for check in checks)
        for check in checks:
            identity = f"{prefix}/{check.name}"
            if check.uses and made[check.uses, layer] < left[check.uses] and identity not in ids:
                yield identity, _nothing_planned(check.uses, made[check.uses, layer])


def _nothing_planned(plugin: str, others: int) -> str:
    if others:
        return f'plugin "{plugin}" planned nothing for it, only for others like it'
    hint = "is it installed, or named in verification.plugins?"
    return f'plugin "{plugin}" planned nothing: {hint}'


def blamed(plugin: str, message: str) -> str:
    """``message``, naming the plugin it is about."""
    return message if plugin in message else f'plugin "{plugin}": {message}'
