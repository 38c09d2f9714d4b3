"""What a verdict depends on, part by part: the key under which it is remembered.

A part is a name and a short text. Two runs with the same parts are taken to be
the same question; the first part that differs makes it another one, and can be
named. Whatever cannot be known makes a check one that is always executed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from orchestrator.config.model import Check as ConfiguredCheck
from orchestrator.config.model import Config
from orchestrator.plugins.spec import Check, CheckResult, Json
from orchestrator.plugins.wire import PluginDescription
from orchestrator.verification import elsewhere, fingerprints
from orchestrator.verification.checkout import Checkout
from orchestrator.verification.fingerprints import digest
from orchestrator.verification.inputs import Inputs

__all__ = ["Parts", "Unknowable", "common", "left_behind", "of_configuration", "own", "why_never"]

#: The name of a part → what it was.
Parts = dict[str, str]

#: Sections no built-in family looks at: they say who works here and what follows from a verdict.
_ELSEWHERE = {
    "coordinator", "instances", "approval", "escalation", "emergency", "notify", "status",
    "evidence", "git_hooks", "hooks",
}  # fmt: skip
#: Keys of ``verification`` that say how a run is done, not what it finds.
_HOW = {"budget", "parallel", "fail_fast", "cache", "shadow", "quarantine"}
#: Fields of a check that say nothing about its verdict, or are told otherwise.
_UNTOLD = {"title", "cost", "spec"}
_TOLD = tuple(field.name for field in fields(Check) if field.name not in _UNTOLD)
#: Bytes of files made by prepare steps that are read for each run.
_MADE_LIMIT = 64 << 20


class Unknowable(Exception):
    """Something a check could read cannot be told from something else; says what."""


def why_never(check: Check, settings: ConfiguredCheck | None) -> str | None:
    """Why a check's verdict is never replayed, or None when it may be."""
    if check.family == "benchmarks":
        return "a benchmark measures this very moment"
    if not check.deterministic:
        return "it is not deterministic"
    if check.needs_base:
        return "it works in a checkout of the base too"
    if not check.cache or (settings is not None and not settings.cache):
        return "cache: false"
    return None


def common(config: Config, checkout: Checkout, environment: Mapping[str, str]) -> Parts:
    """The parts all checks of a run share, beside those of the host. Raises ``Unknowable``."""
    links = elsewhere.links_out(checkout)
    if links:
        raise Unknowable(f"{min(links)} is a symbolic link that leads out of the repository")
    try:
        return {
            **fingerprints.of_environment(environment, checkout.path),
            **fingerprints.of_tools(environment, checkout.path),
            **_prepared(config, checkout),
        }
    except fingerprints.TooMany as error:
        raise Unknowable(str(error)) from error


def _prepared(config: Config, checkout: Checkout) -> Parts:
    """Prepare steps with the files they depend on, what they made, and the kept folders."""
    parts = {}
    for step in config.verification.prepare:
        listed = checkout.git.out("ls-files", "-s", "--", *step.when_changed)
        parts[f"prepare {step.run}"] = digest([listed, list(step.when_changed)])
    # Submodules too: no tree of ours holds their files.
    for name in [*config.verification.keep, *checkout.of_mode("160000")]:
        parts[f"kept {name}"] = fingerprints.files(checkout.path / name)
    if config.verification.prepare:
        parts |= left_behind(checkout, config.verification.keep)
    return parts


def left_behind(checkout: Checkout, keep: Sequence[str]) -> Parts:
    """Every file that is not the commit's, or not as in it, by its content.

    Left out: kept folders, and the caches tools keep for themselves. Raises
    ``Unknowable`` for more than can be read.
    """
    told = checkout.git.lines(
        "status", "--porcelain", "-z", "--no-renames", "--ignored", "--untracked-files=normal"
    )
    kept = {name.strip("/") for name in keep}
    parts, size = {}, 0
    for entry in told:
        place = entry[3:].rstrip("/")
        if _is_aside(place, kept):
            continue
        for file in _each(checkout.path / place):
            name = file.relative_to(checkout.path).as_posix()
            if _is_aside(name, kept):
                continue
            size += file.lstat().st_size if os.path.lexists(file) else 0
            if size > _MADE_LIMIT:
                raise Unknowable("what prepare steps and checks leave in the checkout is too large")
            parts[f"made {name}"] = f"{entry[:2]} {_content(file)}"
    return parts


def _is_aside(path: str, kept: set[str]) -> bool:
    """In a kept folder, or in a cache that a tool keeps for itself."""
    is_kept = any(path == name or path.startswith(f"{name}/") for name in kept)
    return is_kept or bool(fingerprints.CACHES & set(path.split("/")))


def _each(place: Path) -> Iterator[Path]:
    if place.is_dir() and not place.is_symlink():
        yield from (path for path in sorted(place.rglob("*")) if not path.is_dir())
    else:
        yield place


def _content(file: Path) -> str:
    if file.is_symlink():
        return digest(str(file.readlink()))
    return digest(file.read_bytes().hex()) if file.is_file() else "absent"


def own(
    check: Check,
    plugin: PluginDescription,
    configuration: Parts,
    inputs: Inputs,
    upstream: Mapping[str, CheckResult],
) -> Parts:
    """The parts of one check alone; ``configuration`` are those of its plugin."""
    told = {name: getattr(check, name) for name in _TOLD}
    return {
        "plugin": f"{plugin.name} {plugin.version} {plugin.source.get('kind', '')}",
        **{f"check.{name}": _short(value) for name, value in told.items()},
        **{f"check.spec.{name}": _short(value) for name, value in check.spec.items()},
        **configuration,
        **inputs.parts(check),
        **{f"upstream {name}": digest(result.to_json()) for name, result in upstream.items()},
    }


def of_configuration(config: Config, plugin: PluginDescription) -> Parts:
    """The sections a plugin is shown; of a built-in one we know which it never reads."""
    sections = config.to_json()
    if plugin.source.get("kind") == "builtin":
        sections = {name: value for name, value in sections.items() if name not in _ELSEWHERE}
        how = sections["verification"]
        sections["verification"] = {k: v for k, v in how.items() if k not in _HOW}
    return {f"configuration.{name}": digest(value) for name, value in sections.items()}


def _short(value: Json) -> str:
    """A value short enough to be read, else its digest."""
    text = str(value)
    return text if len(text) <= 60 and text.isprintable() else digest(value)
