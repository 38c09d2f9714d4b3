"""The environment in which the commands of checks run, made from the caller's by an allow-list.

Also finds out when Python would import the project from somebody else's
checkout, so that a run does not silently verify the wrong code.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from orchestrator.environment import allowed
from orchestrator.errors import OrchestrateError
from orchestrator.git import Repository, find

__all__ = ["environment", "foreign_packages", "linked_packages", "package_folders", "prefixes"]

#: Where a project keeps the commands it installed for itself, relative to its root.
_OWN_COMMANDS = (".venv/bin", "node_modules/.bin")


def environment(checkout: Path, shims: Path, names: Iterable[str] = ()) -> dict[str, str]:
    """What a command inherits in ``checkout``: the allow-list, ``names``, and a PATH of its own.

    PATH is the checkout's own commands, the caller's PATH, then the folder of
    the interpreter that runs orchestrate: last, because it may be an
    environment that holds the project's tools (a CI job), and never before
    anything the caller chose. ``python`` and ``python3`` always exist: where
    one is missing a shim in ``shims`` stands in.
    """
    world = allowed(names)
    own = [str(checkout / name) for name in _OWN_COMMANDS if (checkout / name).is_dir()]
    inherited = world.get("PATH", os.defpath).split(os.pathsep)
    path = [*own, *(p for p in inherited if p), str(Path(sys.executable).parent)]
    searched = os.pathsep.join(path)
    missing = [n for n in ("python", "python3") if shutil.which(n, path=searched) is None]
    if missing:
        path.append(str(_shims(shims, missing)))
    return {**world, "PATH": os.pathsep.join(dict.fromkeys(path))}


def _shims(folder: Path, names: Iterable[str]) -> Path:
    """Scripts, not links: a link to a virtual environment's Python loses the environment."""
    folder.mkdir(parents=True, exist_ok=True)
    text = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
    for name in names:
        if (folder / name).is_file() and (folder / name).read_text() == text:
            continue  # left alone: a tool that is new is a reason to verify again
        beside = folder / f".{name}.{os.getpid()}"
        beside.write_text(text)
        beside.chmod(0o755)
        beside.replace(folder / name)
    return folder


def foreign_packages(repository: Repository, checkout: Path, path: str) -> tuple[str, ...]:
    """A warning for each package Python on ``path`` imports from another checkout.

    Reads the installed packages' records (``direct_url.json``) and path files
    without starting Python.
    """
    here = Path(os.path.realpath(checkout))
    found: dict[Path, tuple[str, Path]] = {}
    for package, place in (pair for prefix in prefixes(path, here) for pair in _editables(prefix)):
        owner = None if place.is_relative_to(here) else _worktree(repository, place)
        if owner is not None:
            # A package has a record and a path file; one warning a checkout is enough.
            found.setdefault(owner, (package, place))
    return tuple(
        f'the package "{package}" would be imported from {place}, not from the commit under '
        "verification; install it in the checkout with a prepare step"
        for package, place in found.values()
    )


def _worktree(repository: Repository, place: Path) -> Path | None:
    """The worktree of ``repository`` that ``place`` is in, also by way of a submodule, or None."""
    for folder in (place, *place.parents):
        if not (folder / ".git").exists():
            continue
        with contextlib.suppress(OrchestrateError, OSError, ValueError):
            if find(folder).common.samefile(repository.common):
                return folder
    return None


def prefixes(path: str, checkout: Path) -> list[Path]:
    """The environments of the Pythons on ``path``; only the checkout's own where it has one.

    A tool may come from any of them, so a later one matters when it holds the
    command (``pytest``) that the first does not.
    """
    folders = [Path(os.path.realpath(name)) for name in path.split(os.pathsep)]
    found = [f.parent for f in folders if (f / "python").exists() or (f / "python3").exists()]
    own = [prefix for prefix in found if prefix.is_relative_to(checkout)]
    return own or list(dict.fromkeys(found))


def linked_packages(prefix: Path) -> tuple[Path, ...]:
    """The folders a Python environment imports from where they lie, each once."""
    return tuple(sorted({place for _, place in _editables(prefix)}))


def package_folders(prefix: Path) -> list[Path]:
    """Where a Python environment keeps its packages, in a definite order."""
    return [
        folder / name
        for folder in (prefix / "lib" / name for name in _names(prefix / "lib"))
        if folder.name.startswith("python3")
        for name in ("dist-packages", "site-packages")
        if (folder / name).is_dir()
    ]


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries)
    except OSError:
        return []


def _editables(prefix: Path) -> Iterator[tuple[str, Path]]:
    """Every package installed as a link to sources, with the folder it links to."""
    for packages in package_folders(prefix):
        for name in _names(packages):
            if name.endswith(".dist-info"):
                place = _editable(f"{packages}/{name}/direct_url.json")
                if place is not None:
                    yield name.split("-")[0], place
            elif name.endswith(".pth"):
                for line in _lines(packages / name):
                    if line.startswith("/"):
                        package = name.removesuffix(".pth").removeprefix("_")
                        yield package, Path(os.path.realpath(line))


def _editable(record: str) -> Path | None:
    try:
        with open(record, "rb") as file:  # hardly any package has one
            value = json.load(file)
        if not value.get("dir_info", {}).get("editable"):
            return None
        return Path(os.path.realpath(unquote(urlsplit(value["url"]).path)))
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def _lines(file: Path) -> list[str]:
    try:
        return [line.strip() for line in file.read_text().splitlines()]
    except (OSError, ValueError):
        return []
