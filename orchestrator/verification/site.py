"""Where a run works: the prepared checkout of the candidate and, when asked for, of the base."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config.model import Config
from orchestrator.git import Repository
from orchestrator.plugins.remote import PluginTrouble
from orchestrator.plugins.spec import Check, CheckResult, Json
from orchestrator.verification.checkout import Candidate, Checkout, Pool
from orchestrator.verification.prepare import RunCommand, prepare
from orchestrator.verification.surroundings import environment, foreign_packages

__all__ = ["Place", "Site"]


@dataclass(frozen=True, slots=True)
class Place:
    """One prepared checkout. ``trouble`` says why it is not usable, or is None."""

    checkout: Checkout
    environment: Mapping[str, str]
    trouble: str | None


class Site:
    """Claims checkouts for one run and gives them back when the stack closes. Thread-safe."""

    def __init__(
        self,
        repository: Repository,
        candidate: Candidate,
        config: Config,
        run: RunCommand,
        stack: ExitStack,
        outputs: Path | None = None,
    ) -> None:
        self._repository = repository
        self._candidate = candidate
        self._config = config
        self._json = config.to_json()
        self._run = run
        self._stack = stack
        self._outputs = outputs
        self._pool = Pool(repository)
        self._lock = threading.Lock()
        self._base: Place | None = None
        self._scratch = itertools.count(1)
        self.checkout = self._claim(candidate.commit)
        self._here: Place | None = None

    @property
    def config_json(self) -> Mapping[str, Json]:
        """The configuration as plugins get it."""
        return self._json

    def here(self) -> Place:
        """The candidate's checkout, prepared at the first call."""
        with self._lock:
            if self._here is None:
                self._here = self._prepared(self.checkout)
            return self._here

    def base(self) -> Place | None:
        """The base's checkout, claimed and prepared at the first call; None without a base."""
        if self._candidate.base is None:
            return None
        with self._lock:
            if self._base is None:
                self._base = self._prepared(self._claim(self._candidate.base))
            return self._base

    def context(
        self, check: Check, upstream: Mapping[str, CheckResult], timeout: float
    ) -> dict[str, Json]:
        """The fields of a ``CheckContext`` for a check on the candidate.

        Raises ``PluginTrouble`` when the base it needs cannot be prepared.
        """
        base = self.base() if check.needs_base else None
        if base is not None and base.trouble is not None:
            raise PluginTrouble(f"on the base {base.checkout.commit[:12]}: {base.trouble}")
        return {
            **self._common(self.here(), upstream, timeout),
            "commit": self._candidate.commit,
            "base_checkout": None if base is None else str(base.checkout.path),
            "base_environment": {} if base is None else dict(base.environment),
        }

    def context_on_base(
        self, place: Place, upstream: Mapping[str, CheckResult], timeout: float
    ) -> dict[str, Json]:
        """The same for a check that is tried on the base instead."""
        return {
            **self._common(place, upstream, timeout),
            "commit": place.checkout.commit,
            "base_checkout": None,
            "base_environment": {},
        }

    def foreign_packages(self) -> tuple[str, ...]:
        """Warnings about packages that would come from another checkout."""
        place = self.here()
        return foreign_packages(self._repository, place.checkout.path, place.environment["PATH"])

    def _common(
        self, place: Place, upstream: Mapping[str, CheckResult], timeout: float
    ) -> dict[str, Json]:
        scratch = self.checkout.scratch / str(next(self._scratch))
        scratch.mkdir()
        return {
            "checkout": str(place.checkout.path),
            "scratch": str(scratch),
            "base": self._candidate.base,
            "repository": str(self._repository.common),
            "environment": dict(place.environment),
            "timeout": timeout,
            "config": self._json,
            **({"outputs": str(self._outputs)} if self._outputs else {}),
            "upstream": {name: result.to_json() for name, result in upstream.items()},
        }

    def _claim(self, commit: str) -> Checkout:
        return self._stack.enter_context(self._pool.claim(commit, self._config.verification.keep))

    def _prepared(self, checkout: Checkout) -> Place:
        def surroundings() -> dict[str, str]:
            names = self._config.verification.environment
            return environment(checkout.path, self._shims, names)

        verification = self._config.verification
        trouble = prepare(
            checkout, verification.prepare, verification.keep, surroundings, self._run
        )
        return Place(checkout, surroundings(), trouble)

    @property
    def _shims(self) -> Path:
        return self._repository.state / "shims"
