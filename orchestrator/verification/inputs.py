"""Which files of a candidate a check depends on: all of them, unless it declares its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from orchestrator.config.model import Check as ConfiguredCheck
from orchestrator.config.model import Config
from orchestrator.config.ownership import matches
from orchestrator.git import Git
from orchestrator.plugins.spec import Check
from orchestrator.verification.checkout import Candidate
from orchestrator.verification.fingerprints import digest

__all__ = ["Inputs", "configured"]


def configured(config: Config, check: Check) -> ConfiguredCheck | None:
    """What the configuration says of a check, found by its id; None where it has no entry."""
    place, _, name = check.id.partition("/")
    layer = config.layers.get(place)
    entries = config.integration_tests if place == "integration" else layer.checks if layer else ()
    return next((entry for entry in entries if entry.name == name), None)


class Inputs:
    """The files of one candidate, asked for check by check. Starts git only where it must."""

    def __init__(self, config: Config, candidate: Candidate, git: Git) -> None:
        self._config, self._candidate, self._git = config, candidate, git
        self._known: dict[tuple[str, ...], str | None] = {}

    def parts(self, check: Check) -> Mapping[str, str]:
        """The commit with its history; where inputs are declared, those files alone."""
        candidate = self._candidate
        base = {"base": candidate.base or "none"}
        whole = {"tree": candidate.tree, "head": candidate.head, **base}
        declared = self._declared(check)
        if not declared:
            return whole
        doubt = self._doubt(declared)
        if doubt:
            return {**whole, "inputs": f"the whole tree: {doubt}"}
        chosen = self._chosen((*declared, *self._paths(check)))
        told = {"inputs": f"{len(chosen)} files {digest(chosen)}"}
        # A contract is compared with the base's; a command only sees the files.
        return told if check.family == "integrity" else {**told, **base}

    def _declared(self, check: Check) -> tuple[str, ...]:
        """The patterns of a check's own, its entry's or its layer's inputs."""
        settings = configured(self._config, check)
        layer = self._config.layers.get(check.layer or "")
        return (
            (settings.inputs if settings else ())
            or check.inputs
            or (layer.inputs if layer and settings else ())
        )

    def _paths(self, check: Check) -> tuple[str, ...]:
        """The patterns of the check's layer and of every layer below it."""
        layers = self._config.layers
        below, queue = dict[str, None](), [check.layer] if check.layer in layers else []
        while queue:
            name = str(queue.pop())
            if name in layers and name not in below:
                below[name] = None
                queue += layers[name].depends_on
        return tuple(pattern for name in below for pattern in layers[name].paths)

    @cached_property
    def _entries(self) -> dict[str, str]:
        """Path → ``MODE TYPE ID`` for every file of the candidate."""
        lines = self._git.lines("ls-tree", "-r", "-z", "--full-tree", self._candidate.commit)
        return {path: told for told, _, path in (line.partition("\t") for line in lines)}

    def _chosen(self, patterns: Sequence[str]) -> list[list[str]]:
        return [
            [told, path]
            for path, told in self._entries.items()
            if _always(told, path) or any(matches(pattern, path) for pattern in patterns)
        ]

    def _doubt(self, declared: tuple[str, ...]) -> str | None:
        """Why declared inputs cannot be relied upon, or None."""
        if declared not in self._known:
            self._known[declared] = self._look(declared)
        return self._known[declared]

    def _look(self, declared: tuple[str, ...]) -> str | None:
        for path, told in self._entries.items():
            below = any(pattern.startswith(f"{path}/") for pattern in declared)
            if told.startswith("120000") and (below or any(matches(p, path) for p in declared)):
                return f"{path} is a symbolic link"
        for pattern in declared:
            if not any(matches(pattern, path) for path in self._entries):
                return f"{pattern} matches nothing"
        return None


def _always(told: str, path: str) -> bool:
    """Submodules and git's attributes belong to every selection: they change files elsewhere."""
    return told.startswith("160000") or path.rpartition("/")[2] in (".gitattributes", ".gitmodules")
