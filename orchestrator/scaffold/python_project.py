"""What a Python project says about itself: the packages it ships, and what its tests need."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from typing import Any

from orchestrator.config.presets.draft import DraftContract, DraftPrepare
from orchestrator.scaffold.tree import Tree

__all__ = ["installation", "public_packages"]

_PIP = ".venv/bin/python -m pip install --quiet --disable-pip-version-check"
#: Names that groups of requirements for tests go by, the narrowest first.
_FOR_TESTS = ("tests", "test", "testing", "dev", "develop")
_NOT_SHIPPED = {
    "tests",
    "test",
    "docs",
    "doc",
    "examples",
    "bench",
    "benchmarks",
    "scripts",
    "tools",
}
_PLAIN = re.compile(r"^[A-Za-z0-9._\[\], <>=!~*+-]+$")


def public_packages(tree: Tree) -> Iterator[DraftContract]:
    """The packages this project ships, as contracts: what others import breaks when it changes."""
    manifest = _manifest(tree)
    if not manifest.get("build-system") and "setup.py" not in tree.files:
        return
    found = list(_packages(tree))
    name = str(_table(manifest, "project").get("name", ""))
    called = re.sub(r"[-.]+", "_", name).lower()
    chosen = [one for one in found if one[1].lower() == called] or found
    for folder, package in chosen if len(chosen) <= 3 else ():
        why = "what others import from it"
        yield DraftContract(package.replace("_", "-").lower(), "python", folder, None, why,
                            package=package)  # fmt: skip


def installation(tree: Tree) -> DraftPrepare:
    """An environment with the project and what its tests need."""
    manifest = _manifest(tree)
    wanted, files = _requirements(tree, manifest)
    run = f"python3 -m venv .venv && {_PIP} -e {wanted}"
    built = bool(manifest.get("build-system"))
    why = "" if built else "when the tests need what pyproject.toml lists"
    return DraftPrepare(run, ("pyproject.toml", *files), ".venv", why, active=built)


def _requirements(tree: Tree, manifest: dict[str, Any]) -> tuple[str, list[str]]:
    """What ``pip install -e`` is given, and the files that say so."""
    for name in _FOR_TESTS:
        for path in (f"requirements/{name}.txt", f"requirements-{name}.txt"):
            if path in tree.files:
                return f". -r {path}", [path]
    extras = _table(_table(manifest, "project"), "optional-dependencies")
    groups = _table(manifest, "dependency-groups")
    for name in _FOR_TESTS:
        if name in extras:
            return f"'.[{name}]' pytest", []
        plain = [one for one in groups.get(name, ()) if isinstance(one, str) and _PLAIN.match(one)]
        if plain:
            return f". {' '.join(shlex.quote(one) for one in plain)} pytest", []
    return ". pytest", []


def _packages(tree: Tree) -> list[tuple[str, str]]:
    """Folder it is imported from, and name, of each package below ``src``, else at the root."""
    inside = [n.split("/") for n in tree.named("__init__.py")]
    below = [("src", parts[1]) for parts in inside if len(parts) == 3 and parts[0] == "src"]
    top = [(".", parts[0]) for parts in inside if len(parts) == 2 and parts[0] != "src"]
    return [one for one in below or top
            if one[1] not in _NOT_SHIPPED and not one[1].startswith("_")]  # fmt: skip


def _manifest(tree: Tree) -> dict[str, Any]:
    try:
        return tomllib.loads(tree.text("pyproject.toml")) if "pyproject.toml" in tree.files else {}
    except tomllib.TOMLDecodeError:
        return {}


def _table(parent: dict[str, Any], key: str) -> dict[str, Any]:
    found = parent.get(key)
    return found if isinstance(found, dict) else {}
