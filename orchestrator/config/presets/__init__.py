"""The presets: for each kind of project its instances, layers and starter checks.

One YAML file a preset; this module reads them into values and decides nothing
about a repository. Fitting a preset to a tree is ``scaffold.proposal``,
writing it down as a configuration is ``presets.render``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from importlib import resources
from typing import Any

from orchestrator.errors import OrchestrateError

__all__ = ["NAMES", "Preset", "PresetInstance", "PresetLayer", "UnknownPreset", "load"]

#: Every preset, in the order they are listed.
NAMES = ("python", "api", "web", "ui", "mobile", "data", "microservices", "infrastructure")


class UnknownPreset(OrchestrateError):
    """There is no preset of this name.

    Raised by ``orchestrate init --preset NAME``. ``orchestrate init --list``
    prints the names with what each is for; without ``--preset`` the tree
    decides.
    """

    code = "E152"


@dataclass(frozen=True, slots=True)
class PresetLayer:
    """One layer of a preset.

    ``paths`` are the patterns proposed for an empty repository; ``names`` are
    names of folders that usually hold this layer, looked for in a real tree.
    ``main`` marks the layer that source code no other layer claims belongs to.
    ``starters`` name entries of ``scaffold.starter``.
    """

    name: str
    about: str
    paths: tuple[str, ...]
    kind: str | None = None
    names: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    input: str | None = None
    output: str | None = None
    starters: tuple[str, ...] = ()
    main: bool = False


@dataclass(frozen=True, slots=True)
class PresetInstance:
    """One instance of a preset; it owns the paths of its layers."""

    id: str
    role: str
    specializations: tuple[str, ...]
    layers: tuple[str, ...]
    hands_off_to: str | None = None


@dataclass(frozen=True, slots=True)
class Preset:
    """One kind of project. ``starters`` and ``contracts`` are those of the whole project."""

    name: str
    summary: str
    instances: tuple[PresetInstance, ...]
    layers: tuple[PresetLayer, ...]
    starters: tuple[str, ...] = ()
    contracts: tuple[str, ...] = field(default=())


def load(name: str) -> Preset:
    """The preset called ``name``; ``UnknownPreset`` with the nearest name otherwise."""
    if name not in NAMES:
        import difflib

        near = difflib.get_close_matches(name, NAMES, n=1)
        known = f"presets are: {', '.join(NAMES)}"
        hint = f'did you mean "{near[0]}"? {known}' if near else known
        raise UnknownPreset(f'there is no preset "{name}"', hint=hint)
    import yaml

    text = resources.files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    value = yaml.safe_load(text)
    return Preset(
        name=name,
        summary=value["summary"],
        instances=tuple(
            PresetInstance(id=key, **_frozen(PresetInstance, part))
            for key, part in value["instances"].items()
        ),
        layers=tuple(
            PresetLayer(name=key, **_frozen(PresetLayer, part))
            for key, part in value["layers"].items()
        ),
        starters=tuple(value.get("starters", ())),
        contracts=tuple(value.get("contracts", ())),
    )


def _frozen(kind: type, part: dict[str, Any]) -> dict[str, Any]:
    """Lists as tuples; a key the class does not have is a defect of the preset."""
    unknown = part.keys() - {item.name for item in fields(kind)}
    if unknown:
        raise ValueError(f"{kind.__name__} has no {sorted(unknown)}")
    return {key: tuple(v) if isinstance(v, list) else v for key, v in part.items()}
