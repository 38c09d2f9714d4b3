"""What a command could read outside the commit, as digests: tools, packages, kept folders.

A file is known by its size, mode and time of change (the one that no program
can set), a folder by the files in it. Reading every byte of a tool chain would
cost more than most checks.
"""

from __future__ import annotations

import hashlib
import os
import platform
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from orchestrator import __version__
from orchestrator.plugins.spec import Json, dumps
from orchestrator.verification.surroundings import linked_packages, package_folders, prefixes

__all__ = [
    "CACHES",
    "TooMany",
    "digest",
    "files",
    "host",
    "of_environment",
    "of_tools",
    "packages",
    "program",
]

#: Folders of caches that tools keep for themselves: what is in them decides no verdict.
CACHES = frozenset(
    {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".cache"}
)
#: This program.
_CODE = Path(__file__).parents[1]
#: What an installed package leaves in the folder of packages.
_RECORDS = (".dist-info", ".egg-info", ".pth")
#: Where managers of versions keep which one is chosen, below the home folder.
_CHOSEN = (".tool-versions", ".rustup/settings.toml", ".config/mise/config.toml", ".nvmrc")
#: Files one folder may hold to be known by them.
_MOST = 200_000


class TooMany(Exception):
    """More files than can be looked at for each run."""


def digest(value: Json) -> str:
    """16 hex digits of a JSON value."""
    return hashlib.sha256(dumps(value).encode(errors="surrogateescape")).hexdigest()[:16]


def host() -> dict[str, str]:
    """The machine, and this program with the Python that runs it."""
    return {
        "system": " ".join((platform.system(), platform.release(), platform.machine())),
        "orchestrate": f"{__version__} {program()}",
        "interpreter": f"{sys.executable} {digest(sys.version)}",
        **packages([Path(sys.prefix)]),
        **_linked([Path(sys.prefix)], [_CODE.parent]),
    }


def program() -> str:
    """The code of this program: the built-in families judge with it."""
    return _files(_CODE, suffix=".py")


def _executables(path: str, checkout: Path) -> dict[str, str]:
    """Each folder of ``path`` outside the checkout, by the files in it."""
    found, looked_at = {}, dict[str, str]()
    for name in dict.fromkeys(filter(None, path.split(os.pathsep))):
        if not Path(name).is_relative_to(checkout):
            real = os.path.realpath(name)  # /bin is /usr/bin almost everywhere
            if real not in looked_at:
                looked_at[real] = digest(sorted(_entries(Path(name))))
            found[f"path {name}"] = looked_at[real]
    return found


def packages(environments: Iterable[Path]) -> dict[str, str]:
    """What is installed in Python environments: name, version and time of installation."""
    found = {}
    for prefix in environments:
        for folder in package_folders(prefix):
            found[f"packages {folder}"] = digest(sorted(_entries(folder, _RECORDS)))
        modules = prefix / "lib" / "node_modules"
        if modules.is_dir():
            files = sorted(modules.glob("*/package.json")) + sorted(
                modules.glob("@*/*/package.json")
            )
            found[f"packages {modules}"] = digest([[str(f), _told(f)] for f in files])
    return found


def _managed(path: str, home: str) -> tuple[dict[str, str], list[Path]]:
    """Which versions are chosen where ``PATH`` leads to shims, and where they are installed."""
    roots = [Path(name).parent for name in path.split(os.pathsep) if Path(name).name == "shims"]
    files = [root / "version" for root in roots] + [Path(home) / name for name in _CHOSEN]
    prefixes = [p for root in roots for p in sorted(root.glob("versions/*"))]
    prefixes += [p for root in roots for p in sorted(root.glob("installs/*/*"))]
    return {f"chosen {file}": _told(file) for file in files if home and file.is_file()}, prefixes


def _linked(environments: Iterable[Path], known: Iterable[Path]) -> dict[str, str]:
    """Sources that are imported from where they lie (editable installs), outside ``known``."""
    found = {}
    for prefix in environments:
        for place in linked_packages(prefix):
            if not any(place.is_relative_to(folder) for folder in known):
                found[f"linked {place}"] = _files(place, suffix=".py")
    return found


def of_environment(values: Mapping[str, str], checkout: Path) -> dict[str, str]:
    """Each variable's value as a digest (it may be a secret), the checkout's place left out."""
    return {
        f"environment {name}": digest(value.replace(str(checkout), "{checkout}"))
        for name, value in values.items()
    }


def of_tools(environment: Mapping[str, str], checkout: Path) -> dict[str, str]:
    """Everything ``PATH`` leads to, with the packages of its Pythons. Raises ``TooMany``."""
    path = environment.get("PATH", "")
    own = Path(os.path.realpath(sys.prefix))  # in ``host``
    found = [
        prefix
        for prefix in prefixes(path, checkout)
        if not prefix.is_relative_to(checkout) and prefix != own
    ]
    chosen, managed = _managed(path, environment.get("HOME", ""))
    found += [prefix for prefix in managed if prefix not in found and prefix != own]
    return {
        **chosen,
        **_executables(path, checkout),
        **packages(found),
        **_linked(found, [checkout]),
    }


def files(folder: Path) -> str:
    """A folder with everything in it, or one file. Raises ``TooMany``."""
    return _files(folder)


def _files(place: Path, suffix: str = "") -> str:
    state = hashlib.sha256()
    for count, (name, told) in enumerate(_walk(place, suffix)):
        if count >= _MOST:
            raise TooMany(f"{place} holds more than {_MOST:,} files")
        state.update(f"{name}\0{told}\n".encode(errors="surrogateescape"))
    return state.hexdigest()[:16]


def _walk(place: Path, suffix: str) -> Iterator[tuple[str, str]]:
    """Every file below ``place`` in a definite order, links not followed."""
    if place.is_dir() and not place.is_symlink():
        yield from _below(str(place), "", suffix)
    else:
        yield str(place), _told(place)


def _below(folder: str, prefix: str, suffix: str) -> Iterator[tuple[str, str]]:
    """The files in a folder; of sources (``suffix``), no environment or history beside them."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        name = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            aside = suffix and (entry.name.startswith(".") or entry.name == "node_modules")
            if not aside and entry.name not in CACHES:
                yield from _below(entry.path, f"{name}/", suffix)
        elif name.endswith(suffix):
            yield name, _told(entry)


def _told(entry: os.DirEntry[str] | Path) -> str:
    try:
        found = os.lstat(entry)
        target = str(Path(entry).readlink()) if stat.S_ISLNK(found.st_mode) else ""
    except OSError:
        return "absent"
    return f"{found.st_mode:o} {found.st_size} {found.st_ctime_ns} {target}"


def _entries(folder: Path, ends: tuple[str, ...] = ()) -> list[list[str]]:
    """The files directly in a folder, or all in it that is called so; links are followed.

    None where it cannot be read.
    """
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if ends and not entry.name.endswith(ends):
                    continue
                try:
                    told = entry.stat()
                except OSError:
                    continue  # a link that leads nowhere starts nothing
                if ends or not stat.S_ISDIR(told.st_mode):
                    stamp = f"{told.st_mode:o} {told.st_size} {told.st_ctime_ns}"
                    found.append([entry.name, stamp])
    except OSError:
        return []
    return found
