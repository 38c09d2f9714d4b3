"""Fits a preset to a tree: the configuration to write, and the files it needs.

Decides and explains; writes nothing.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from orchestrator.config.presets import Preset, PresetInstance, PresetLayer
from orchestrator.config.presets.draft import (
    Draft,
    DraftCheck,
    DraftContract,
    DraftInstance,
    DraftLayer,
)
from orchestrator.scaffold.placing import Place, covering, place
from orchestrator.scaffold.python_project import public_packages
from orchestrator.scaffold.starter import CONTRACTS, STARTERS
from orchestrator.scaffold.tools import Tool, contracts, preparation, tools
from orchestrator.scaffold.tree import Tree

__all__ = ["Proposal", "project_name", "propose"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """``draft`` is the configuration; ``files`` are starters' files, below ``verification``."""

    draft: Draft
    files: tuple[str, ...]


def project_name(folder: str) -> str:
    """A name the configuration accepts, from a folder's name."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder).strip("-._")
    return name[:64] or "project"


def propose(
    tree: Tree, preset: Preset | None, *, project: str, branch: str, prefix: str = "",
    reasons: Sequence[str] = (),
) -> Proposal:  # fmt: skip
    """The proposal for a tree. Without a preset: one layer with everything in it."""
    found = tools(tree)
    if preset is None:
        return _minimal(tree, found, project, branch, prefix)
    return _Fitting(tree, preset, found, prefix).proposal(project, branch, reasons)


def _minimal(tree: Tree, found: Sequence[Tool], project: str, branch: str, prefix: str) -> Proposal:
    layer = DraftLayer(
        "project", "everything", ("**",), checks=tuple(_tool_check(tool) for tool in found)
    )
    draft = Draft(
        project=project,
        branch=branch,
        preset=None,
        prefix=prefix,
        layers=(layer,),
        instances=(_coordinator(prefix, ()),),
        integration_tests=(_starter_check("secret-scan", prefix),),
        contracts=tuple(contracts(tree)),
        prepare=tuple(preparation(tree)),
        found=tuple(tool.why for tool in found),
    )
    return Proposal(draft, _files_of(["secret-scan"], fresh=False, contract_names=()))


class _Fitting:
    """One preset on one tree. ``fresh``: nothing in the tree belongs to any layer yet."""

    def __init__(self, tree: Tree, preset: Preset, found: Sequence[Tool], prefix: str) -> None:
        self.tree, self.preset, self.prefix = tree, preset, prefix
        self.places = place(tree, preset)
        self.fresh = not any(where.paths for where in self.places.values())
        if self.fresh:
            self.places = {
                layer.name: Place(layer.paths, owned=layer.paths) for layer in preset.layers
            }
        self.active = [layer.name for layer in preset.layers if self.places[layer.name].paths]
        self.tools = self._tools_by_layer(found)
        # A library's names are its interface; those of an application are its own affair.
        library = public_packages(tree) if preset.name == "python" else ()
        self.found_contracts = [*library, *contracts(tree)]

    def proposal(self, project: str, branch: str, reasons: Sequence[str]) -> Proposal:
        layers = tuple(self._layer(layer) for layer in self.preset.layers)
        instances = tuple(self._instance(one) for one in self.preset.instances)
        owned = [pattern for one in instances if one.active for pattern in one.patterns]
        whys = [tool.why for group in self.tools.values() for tool in group]
        draft = Draft(
            project=project,
            branch=branch,
            preset=self.preset.name,
            prefix=self.prefix,
            layers=layers,
            instances=(_coordinator(self.prefix, owned), *instances),
            integration_tests=tuple(self._starter(name) for name in self.preset.starters),
            contracts=self._contracts(),
            prepare=tuple(preparation(self.tree)),
            found=tuple(dict.fromkeys([*reasons, *whys])),
        )
        names = [s for layer in self.preset.layers for s in self._starters(layer)]
        used = self.preset.contracts if self.fresh else ()
        files = _files_of([*names, *self.preset.starters], self.fresh, used)
        return Proposal(draft, files)

    def _tools_by_layer(self, found: Iterable[Tool]) -> dict[str, list[Tool]]:
        """Each tool in the layer whose files it tests."""
        order = [self.default, *self.active]
        chosen: dict[str, list[Tool]] = {}
        for tool in found:
            layer = covering(self.places, tool.folder, order) if tool.folder else None
            if tool.language == "node":
                layer = layer or self._of_kind("presentation")
            elif layer in (None, self.default) and "tests" in self.active:
                layer = "tests"
            chosen.setdefault(layer or self.default, []).append(tool)
        return chosen

    @property
    def default(self) -> str:
        """The main layer, or the lowest where that is not there."""
        main = next(layer.name for layer in self.preset.layers if layer.main)
        return main if main in self.active else self.active[0]

    def _of_kind(self, kind: str) -> str | None:
        layers = (x.name for x in self.preset.layers if x.kind == kind and x.name in self.active)
        return next(layers, None)

    def _starters(self, layer: PresetLayer) -> tuple[str, ...]:
        """The layer's starters; a project with pytest needs no runner of its own.

        What a layer that is not there would have checked, and what is there to
        be checked all the same, is left to the default layer.
        """
        names = list(layer.starters)
        if layer.name == self.default and not self.fresh:
            absent = [x for x in self.preset.layers if x.name not in self.active]
            names += [s for x in absent for s in x.starters if self.tree.has(STARTERS[s].looks_at)]
        has_pytest = any(tool.report for group in self.tools.values() for tool in group)
        return tuple(s for s in dict.fromkeys(names) if not (s == "unit-tests" and has_pytest))

    def _starter(self, name: str) -> DraftCheck:
        starter = STARTERS[name]
        check = _starter_check(name, self.prefix)
        if self.fresh or self.tree.has(starter.looks_at):
            return check
        if starter.looks_at:
            return replace(check, active=False, why="nothing for it to examine yet")
        first = starter.inputs[0]
        return replace(check, active=False, why=f"first say in {first} what is yours")

    def _layer(self, layer: PresetLayer) -> DraftLayer:
        where = self.places[layer.name]
        active = layer.name in self.active
        checks = [_tool_check(tool) for tool in self.tools.get(layer.name, [])]
        # Inside a layer that is a comment, a check needs no comment sign of its own.
        fit = self._starter if active else lambda name: _starter_check(name, self.prefix)
        checks += [fit(name) for name in self._starters(layer)]
        return DraftLayer(
            layer.name,
            layer.about,
            where.paths or layer.paths,
            where.absent if active else (),
            layer.kind,
            self._below(layer) if active else layer.depends_on,
            layer.input if self.fresh else None,
            layer.output if self.fresh else self._output(layer),
            tuple(checks),
            active,
        )

    def _below(self, layer: PresetLayer) -> tuple[str, ...]:
        """What it depends on, stepping over layers that are not there."""
        by_name = {one.name: one for one in self.preset.layers}
        found: list[str] = []
        for name in layer.depends_on:
            found += [name] if name in self.active else self._below(by_name[name])
        return tuple(dict.fromkeys(found))

    def _output(self, layer: PresetLayer) -> str | None:
        """The API that was found, when there is exactly one, for the layer that has one."""
        documents = [c.name for c in self.found_contracts if c.kind == "openapi" and c.active]
        return documents[0] if layer.output == "orders-api" and len(documents) == 1 else None

    def _instance(self, instance: PresetInstance) -> DraftInstance:
        active = [name for name in instance.layers if name in self.active]
        shown = active or list(instance.layers)
        by_name = {layer.name: layer for layer in self.preset.layers}
        patterns = [p for n in shown for p in self.places[n].owned or by_name[n].paths]
        absent = [p for name in active for p in self.places[name].absent]
        return DraftInstance(
            instance.id,
            instance.role,
            instance.specializations,
            tuple(dict.fromkeys(patterns)),
            tuple(dict.fromkeys(absent)),
            tuple(shown),
            self._target(instance),
            bool(active),
        )

    def _target(self, instance: PresetInstance) -> str | None:
        """Whom it hands off to, stepping over instances that are not there."""
        by_id = {one.id: one for one in self.preset.instances}
        target = instance.hands_off_to
        while target and not set(by_id[target].layers) & set(self.active):
            target = by_id[target].hands_off_to
        return target

    def _contracts(self) -> tuple[DraftContract, ...]:
        if not self.fresh:
            return tuple(self.found_contracts)
        folder = f"{self.prefix}verification/"
        examples = [
            DraftContract(
                name,
                CONTRACTS[name].kind,
                folder + CONTRACTS[name].path,
                f"{folder}contracts/samples/{name}/*.json" if CONTRACTS[name].samples else None,
                "an example; put your own in its place",
            )
            for name in self.preset.contracts
        ]
        return (*examples, *(c for c in self.found_contracts if c.name not in CONTRACTS))


def _tool_check(tool: Tool) -> DraftCheck:
    return DraftCheck(tool.name, tool.run, tool.report, "10m", tool.why, tool.active)


def _starter_check(name: str, prefix: str) -> DraftCheck:
    starter = STARTERS[name]
    script = shlex.quote(f"{prefix}verification/checks/{starter.script}")
    # -B: the check runs in the repository and must leave nothing behind there.
    run = f"python3 -B {script} --report {{report}}"
    return DraftCheck(name, run, starter.report, "2m", starter.about)


def _coordinator(prefix: str, taken: Iterable[str]) -> DraftInstance:
    """Owns the rules of the game, except what already belongs to somebody."""
    ours = [
        "docs/**",
        *(f"{prefix}{n}/**" for n in ("config", "plugins", "status", "verification")),
    ]
    if prefix:
        ours = ["docs/**", f"{prefix}**"]
    others = [p.split("*")[0] for p in taken if "/" in p]
    free = [p for p in ours if not any(_nested(p.removesuffix("**"), other) for other in others)]
    roles = ("Integration verification", "Handoff management")
    return DraftInstance("coordinator", "INTEGRATION_COORDINATION", roles, tuple(free))


def _nested(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _files_of(names: Iterable[str], fresh: bool, contract_names: Iterable[str]) -> tuple[str, ...]:
    """The files, below ``starters``, that these checks and contracts are made of."""
    files = ["checks/checklib.py"]
    for name in dict.fromkeys(names):
        starter = STARTERS[name]
        files += [f"checks/{starter.script}", *starter.inputs]
        files += starter.examples if fresh else ()
    for name in contract_names:
        files += [CONTRACTS[name].path, *CONTRACTS[name].samples]
    return tuple(dict.fromkeys(files))
