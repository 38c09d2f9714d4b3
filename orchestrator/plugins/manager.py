"""The plugin host: finds plugins, proves that each keeps the contract, and calls one at a time.

Built-in families, installed packages (entry points) and the project's own
files enter through the same door. pluggy validates the hooks; implementations
are called singly, because one that raises must not silence the others.

Runs in worker processes only: what it imports is other people's code.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from orchestrator import __version__
from orchestrator.errors import OrchestrateError
from orchestrator.plugins import spec
from orchestrator.plugins.spec import (
    API_VERSION,
    ENTRY_POINT_GROUP,
    FAMILIES,
    Check,
    CheckContext,
    CheckResult,
    PlanRequest,
    PluginInfo,
)

__all__ = [
    "BUILTIN",
    "Plugin",
    "PluginRefused",
    "Source",
    "call",
    "discover",
    "load",
    "refuse_twins",
]

#: The families that ship with orchestrate, as modules.
BUILTIN = tuple(f"orchestrator.plugins.builtin.{family}" for family in FAMILIES)

_HOOKS = ("orchestrate_plugin", "orchestrate_plan", "orchestrate_execute")
# Here and not where they are defined: who only knows the contract needs no pluggy.
for _name in _HOOKS:
    pluggy.HookspecMarker("orchestrator")(getattr(spec, _name))

_FAMILY_NAMES = ", ".join(FAMILIES)


class PluginRefused(OrchestrateError):
    """A plugin cannot be used.

    Happens when a plugin file is absent or cannot be imported, lacks a hook,
    has a hook with other arguments than ``orchestrator.plugins.spec`` gives
    it, was built for another API version, or has the name of another plugin.
    Every check of that plugin counts as errored, so nothing is approved
    without it. The message shows the offending ``def``; mend the plugin or
    take it out of ``verification.plugins``.
    """

    code = "E502"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a plugin comes from. ``kind`` is builtin, installed or local.

    ``place`` is a module, an entry point's ``module:attribute`` or a file's
    absolute path; ``name`` is what people call it in configuration and errors.
    """

    kind: str
    name: str
    place: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A loaded plugin that keeps the contract."""

    info: PluginInfo
    source: Source
    plan_hook: Callable[..., Any]
    execute_hook: Callable[..., Any]

    def plan(self, request: PlanRequest) -> list[Check]:
        """What the plugin planned, unchecked."""
        planned: list[Check] = call(self.plan_hook, request=request)
        return planned

    def execute(self, check: Check, context: CheckContext) -> CheckResult:
        """What the plugin found, unchecked."""
        result: CheckResult = call(self.execute_hook, check=check, context=context)
        return result


def discover(local: Sequence[str], folder: Path, *, others: bool = True) -> list[Source]:
    """Every plugin there is to load: built in, installed, then the project's own.

    ``local`` are paths relative to ``folder``; without ``others`` they are all
    there is. Imports no plugin.
    """
    sources = []
    if others:
        sources = [Source("builtin", module.rpartition(".")[2], module) for module in BUILTIN]
        sources += _installed() if _may_be_installed() else []
    return sources + [Source("local", name, str(folder / name)) for name in local]


def _installed() -> list[Source]:
    """The plugins that installed packages offer."""
    from importlib.metadata import entry_points

    return [
        Source("installed", point.name, point.value, point.dist.version if point.dist else "")
        for point in entry_points(group=ENTRY_POINT_GROUP)
    ]


def _may_be_installed() -> bool:
    """False only where no package can offer a plugin: asking them properly takes long."""
    others = (finder for finder in sys.meta_path if finder is not PathFinder)
    if any(hasattr(finder, "find_distributions") for finder in others):
        return True
    places = (Path(entry) for entry in sys.path)
    try:
        return any(_offers(place) for place in places if place.exists())
    except OSError:
        return True


def _offers(place: Path) -> bool:
    """Whether a package in a folder may offer a plugin; so may all that is no plain folder."""
    if place.suffix == ".egg" or not place.is_dir():
        return True
    wanted = f"[{ENTRY_POINT_GROUP}]".encode()
    for record in place.iterdir():
        if record.name.lower().endswith((".dist-info", ".egg-info")):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                if wanted in (record / "entry_points.txt").read_bytes():
                    return True
    return False


def load(source: Source) -> Plugin:
    """Import a plugin and prove that it keeps the contract, or raise ``PluginRefused``.

    Nothing here guards against a plugin that hangs or ends the process while
    it is imported: callers are processes that can be ended.
    """
    try:
        target, version = _import(source)
    except PluginRefused:
        raise
    except (Exception, SystemExit) as error:
        raise _refused(source, f"it cannot be imported: {_named(error)}") from error
    hooks = _hooks(source, target)
    info = _info(source, hooks["orchestrate_plugin"])
    own = info.version or source.version
    full = "+".join(part for part in (own, version) if part) or "0"
    return Plugin(
        replace(info, version=full), source, hooks["orchestrate_plan"], hooks["orchestrate_execute"]
    )


def refuse_twins(plugins: Sequence[Plugin]) -> list[tuple[Plugin, PluginRefused]]:
    """Each plugin whose name an earlier one has, with the refusal."""
    first: dict[str, Plugin] = {}
    refused = []
    for plugin in plugins:
        other = first.setdefault(plugin.info.name, plugin)
        if other is not plugin:
            message = f'its name "{plugin.info.name}" is taken by {_place(other.source)}'
            refused.append(
                (plugin, _refused(plugin.source, message, "give the plugin another name"))
            )
    return refused


def _import(source: Source) -> tuple[object, str]:
    """The module or object with the hooks, and what its file adds to the version."""
    if source.kind == "local":
        return _import_file(source)
    module, _, attribute = source.place.partition(":")
    target: object = importlib.import_module(module)
    for name in filter(None, attribute.split(".")):
        target = getattr(target, name)
    # A built-in family is as old as the package it is in.
    return target, __version__ if source.kind == "builtin" else ""


def _import_file(source: Source) -> tuple[ModuleType, str]:
    """Load by path under a name of its own; ``sys.path`` stays as it is."""
    path = Path(source.place)
    if not path.is_file():
        raise _refused(
            source,
            "there is no such file in the commit whose rules are in force",
            "commit the plugin, or correct verification.plugins",
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    name = f"orchestrate_local_{digest}_{path.stem}"
    located = importlib.util.spec_from_file_location(name, path)
    if located is None or located.loader is None:
        raise _refused(source, "it is not a Python file")
    module = importlib.util.module_from_spec(located)
    sys.modules[name] = module
    located.loader.exec_module(module)
    return module, digest


def _hooks(source: Source, target: object) -> dict[str, Callable[..., Any]]:
    """The three implementations, validated by pluggy against ``plugins.spec``."""
    manager = pluggy.PluginManager("orchestrator")
    manager.add_hookspecs(spec)
    try:
        manager.register(target, name=source.place)
    except pluggy.PluginValidationError as error:
        raise _refused(source, f"{error}\n{_definition(target, str(error))}".strip()) from error
    found: dict[str, Callable[..., Any]] = {}
    for caller in manager.get_hookcallers(target) or ():
        found[caller.name] = caller.get_hookimpls()[0].function
    absent = [name for name in _HOOKS if name not in found]
    if absent:
        raise _refused(
            source,
            f"it lacks {', '.join(absent)}",
            "every plugin has three functions marked @hookimpl: see orchestrator.plugins.spec",
        )
    return found


def _info(source: Source, hook: Callable[..., Any]) -> PluginInfo:
    """What the plugin says about itself, checked."""
    try:
        info = hook()
    except Exception as error:
        raise _refused(source, f"orchestrate_plugin raised {_named(error)}") from error
    if not isinstance(info, PluginInfo):
        raise _refused(
            source, f"orchestrate_plugin returned {type(info).__name__}, not a PluginInfo"
        )
    if info.api != API_VERSION:
        raise _refused(
            source,
            f"it was built for API version {info.api}, this is version {API_VERSION}",
            _about_version(source, info.api),
        )
    if info.family not in FAMILIES:
        raise _refused(source, f"there is no family {info.family!r}", f"one of {_FAMILY_NAMES}")
    if not info.name or not str(info.name).isprintable():
        raise _refused(source, f"its name {info.name!r} is empty or not printable")
    return info


def _about_version(source: Source, built_for: object) -> str:
    """Who has to move: the plugin that was built for less, or orchestrate."""
    if isinstance(built_for, int) and built_for > API_VERSION:
        return "upgrade orchestrate: pip install -U handoff-orchestrator"
    name = source.place.partition(":")[0].partition(".")[0].replace("_", "-")
    mend = f"pip install -U {name}" if source.kind == "installed" else "say api= when it is mended"
    return (
        f"the plugin is older than this orchestrate; {mend}. What changed between the versions: "
        "docs/how-to/write-a-plugin.md"
    )


def call(hook: Callable[..., Any], **values: Any) -> Any:
    """Call a hook with the arguments it declares; like pluggy, it may leave some out."""
    wanted = inspect.signature(hook).parameters
    return hook(**{name: value for name, value in values.items() if name in wanted})


def _definition(target: object, said: str) -> str:
    """The first lines of the hook a validation message is about."""
    for name in _HOOKS:
        if name in said and callable(function := getattr(target, name, None)):
            try:
                lines, number = inspect.getsourcelines(function)
            except (OSError, TypeError):
                return ""
            head = next((line.strip() for line in lines if line.lstrip().startswith("def ")), "")
            return f"line {number}: {head}"
    return ""


def _refused(source: Source, message: str, hint: str | None = None) -> PluginRefused:
    return PluginRefused(f'plugin "{source.name}": {message}', hint=hint, where=_place(source))


def _place(source: Source) -> str:
    return source.name if source.kind == "local" else source.place


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
