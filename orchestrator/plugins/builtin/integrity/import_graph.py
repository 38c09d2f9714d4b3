"""A program: reads a question on stdin, answers with the illegal import chains on stdout.

Question ``{"checkout", "root", "layers"}`` (layers from higher to lower).
Answer ``{"modules", "chains": [{"importer", "imported", "steps": [{"importer",
"imported", "file", "line"}]}]}``, or ``{"error"}``, or ``{"syntax"}`` for a
file that is not Python.

Started as a file with ``-I``, never imported: it must not import anything of
orchestrate, because orchestrate may be the very package it examines.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import grimp
from grimp.exceptions import GrimpException, SourceSyntaxError

#: Steps of one chain that are told.
_STEPS = 50


def main() -> None:
    question = json.load(sys.stdin)
    json.dump(answer(Path(question["checkout"]), question["root"], question["layers"]), sys.stdout)


def answer(checkout: Path, root: str, layers: list[str]) -> dict[str, Any]:
    """The answer to one question; see the module."""
    folder = (checkout / root).resolve()
    if not folder.is_relative_to(checkout.resolve()) or not folder.is_dir():
        return {"error": f"the root {root!r} is not a folder of the repository"}
    packages = sorted({layer.partition(".")[0] for layer in layers})
    sys.meta_path.insert(0, _Candidate(folder, packages))
    absent = next((why for name in packages if (why := _absent(name, folder))), None)
    if absent:
        return {"error": absent}
    try:
        # No cache: it would be written into the checkout.
        graph = grimp.build_graph(*packages, cache_dir=None)
    except SourceSyntaxError as error:
        place = _relative(Path(error.filename), checkout)
        return {"syntax": {"file": place, "line": error.lineno, "text": error.text}}
    except (GrimpException, ValueError) as error:
        return {"error": f"the imports could not be read: {error or type(error).__name__}"}
    unknown = [layer for layer in layers if layer not in graph.modules]
    if unknown:
        return {"error": f"there is no module {', '.join(unknown)} under {root}"}
    return {"modules": len(graph.modules), "chains": _chains(graph, layers, folder, checkout)}


class _Candidate(importlib.abc.MetaPathFinder):
    """Finds the candidate's packages, and only these, before anything installed of the name.

    Not ``sys.path``: there the candidate's files could stand in for the
    standard library's.
    """

    def __init__(self, folder: Path, packages: list[str]) -> None:
        self._folder = str(folder)
        self._packages = packages

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._packages:
            return None
        return importlib.machinery.PathFinder.find_spec(fullname, [self._folder])


def _absent(package: str, folder: Path) -> str | None:
    """Why ``package`` cannot be read from ``folder``, or None."""
    found = importlib.machinery.PathFinder.find_spec(package, [str(folder)])
    if found is None or not found.submodule_search_locations:
        return f"there is no package {package} in {folder.name or folder}"
    used = importlib.util.find_spec(package)
    where = list(used.submodule_search_locations or ()) if used else []
    if where != list(found.submodule_search_locations):
        return f"the package {package} would be read from {', '.join(where)}, not the candidate"
    return None


def _chains(
    graph: grimp.ImportGraph, layers: list[str], folder: Path, checkout: Path
) -> list[dict[str, Any]]:
    illegal = graph.find_illegal_dependencies_for_layers(layers)
    chains = []
    for dependency in sorted(illegal):
        for route in sorted(dependency.routes):
            chains += [
                {
                    "importer": dependency.importer,
                    "imported": dependency.imported,
                    "steps": _steps(graph, [head, *route.middle, tail], folder, checkout),
                }
                for head in sorted(route.heads)
                for tail in sorted(route.tails)
            ]
    return chains


def _steps(
    graph: grimp.ImportGraph, modules: list[str], folder: Path, checkout: Path
) -> list[dict[str, Any]]:
    steps = []
    for importer, imported in islice(pairwise(modules), _STEPS):
        details = graph.get_import_details(importer=importer, imported=imported)
        steps.append(
            {
                "importer": importer,
                "imported": imported,
                "file": _file(importer, folder, checkout),
                "line": min((d["line_number"] for d in details), default=None),
            }
        )
    return steps


def _file(module: str, folder: Path, checkout: Path) -> str | None:
    path = folder.joinpath(*module.split("."))
    for candidate in (path.with_name(path.name + ".py"), path / "__init__.py"):
        if candidate.is_file():
            return _relative(candidate, checkout)
    return None


def _relative(path: Path, checkout: Path) -> str | None:
    resolved = path.resolve()
    root = checkout.resolve()
    return resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else None


if __name__ == "__main__":
    main()
