"""Which folder of a real tree belongs to which layer of a preset.

Pure: names in, globs out. No two layers are given the same path, so that no
two instances own one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from orchestrator.config.ownership import escape
from orchestrator.config.presets import Preset, PresetLayer
from orchestrator.scaffold.tree import Tree, glob_of

__all__ = ["Place", "covering", "place"]

#: Folders whose insides say nothing about the architecture.
_APART = {
    "tests",
    "test",
    "spec",
    "specs",
    "e2e",
    "__tests__",
    "docs",
    "doc",
    "examples",
    "fixtures",
}
_TESTS = ("tests", "test", "spec", "specs", "e2e", "integration_tests", "cypress")
_SOURCE = {
    ".py", ".js", ".mjs", ".ts", ".jsx", ".tsx", ".vue", ".svelte", ".go", ".rs", ".java", ".kt",
    ".swift", ".rb", ".php", ".cs", ".c", ".cc", ".cpp", ".h", ".hpp", ".scala", ".ex", ".dart",
    ".sql", ".tf", ".sh", ".html", ".css", ".r", ".jl", ".lua", ".ml", ".hs", ".clj", ".proto",
}  # fmt: skip
#: Files at the root that everything depends on.
_MANIFESTS = (
    "pyproject.toml", "setup.py", "setup.cfg", "requirements*.txt", "uv.lock", "poetry.lock",
    "package.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock", "tsconfig*.json",
    "Cargo.toml", "Cargo.lock", "go.mod", "go.sum", "pom.xml", "build.gradle", "build.gradle.kts",
    "settings.gradle", "settings.gradle.kts", "dbt_project.yml", "pubspec.yaml", "Gemfile",
)  # fmt: skip
_MOST = 12


@dataclass(frozen=True, slots=True)
class Place:
    """Where one layer is.

    ``paths`` match something and may lie inside another layer's: a new folder
    must not fall between two. ``owned`` are the same without what belongs to
    other layers, so that owners never share a path. ``absent`` are proposed
    paths that match nothing yet.
    """

    paths: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    owned: tuple[str, ...] = ()


@dataclass
class _Map:
    """Folder → layer, while it is being drawn. Reserved ones do not exist yet."""

    owner: dict[str, str] = field(default_factory=dict)
    reserved: dict[str, str] = field(default_factory=dict)

    def above(self, folder: str) -> str | None:
        """The layer that a folder lies in, itself not counted."""
        parents = (str(parent) for parent in PurePosixPath(folder).parents)
        return next((self.owner[p] for p in parents if p in self.owner), None)

    def below(self, folder: str, layer: str) -> bool:
        """True when a folder of another layer lies inside."""
        inside = folder + "/"
        folders = (*self.owner.items(), *self.reserved.items())
        return any(f.startswith(inside) and who != layer for f, who in folders)


def place(tree: Tree, preset: Preset) -> dict[str, Place]:
    """Every layer's place. All empty when nothing in the tree belongs anywhere."""
    drawn = _Map()
    _by_path(tree, preset, drawn)
    _by_name(tree, preset, drawn)
    main = next(layer.name for layer in preset.layers if layer.main)
    rest = _rest(tree, preset, drawn, main)
    places = {layer.name: _place(tree, layer, drawn) for layer in preset.layers}
    where = places[main]
    new = tuple(path for path in rest if path not in where.paths)
    places[main] = Place(where.paths + new, where.absent, where.owned + new)
    return places


def _by_path(tree: Tree, preset: Preset, drawn: _Map) -> None:
    """Folders that are where the preset proposes them, and its proposals for later."""
    for layer in preset.layers:
        for path in layer.paths:
            if path.endswith("/**"):
                chosen = drawn.owner if tree.matching(path) else drawn.reserved
                chosen[path.removesuffix("/**")] = layer.name


def _by_name(tree: Tree, preset: Preset, drawn: _Map) -> None:
    """Folders that are called what such folders are called, outermost first."""
    names: dict[str, PresetLayer] = {}
    for layer in preset.layers:
        for name in layer.names:
            names.setdefault(name, layer)
    count: dict[str, int] = {}
    for folder in sorted(tree.folders, key=lambda f: (f.count("/"), f)):
        parts = folder.split("/")
        found = names.get(parts[-1].lower())
        if found is None or folder in drawn.owner or _APART & {p.lower() for p in parts[:-1]}:
            continue
        outer = drawn.above(folder)
        if outer == found.name or (outer is not None and not _opens(preset, outer, found)):
            continue
        if count.get(found.name, 0) < _MOST:
            count[found.name] = count.get(found.name, 0) + 1
            drawn.owner[folder] = found.name


def _opens(preset: Preset, outer: str, inner: PresetLayer) -> bool:
    """May a layer lie inside another? Inside the main one or one of the same instance.

    An ``api`` folder of a front end is a part of the front end, not a service.
    """
    layer = next(one for one in preset.layers if one.name == outer)
    if layer.kind == "presentation" and not layer.main:
        return False
    same = any({outer, inner.name} <= set(one.layers) for one in preset.instances)
    return layer.main or same


def _rest(tree: Tree, preset: Preset, drawn: _Map, main: str) -> list[str]:
    """Source code that no layer claims, as globs of the main layer; marks its folders."""
    claimed = {path for layer in preset.layers for path in layer.paths}
    top = sorted({name.split("/")[0] for name in tree.files if "/" in name})
    for folder in top:
        tests = folder.lower() in _TESTS and not any("tests" in x.names for x in preset.layers)
        apart = folder.lower() in _APART or folder.startswith(".")
        if folder in drawn.owner or not (tests or (not apart and _has_source(tree, folder, drawn))):
            continue
        drawn.owner[folder] = main
    files = [name for name in tree.files if "/" not in name and name not in claimed]
    endings = {PurePosixPath(name).suffix.lower() for name in files} & _SOURCE
    kept = [name for name in files if _manifest(name) and PurePosixPath(name).suffix not in endings]
    return [f"*{ending}" for ending in sorted(endings)] + [escape(name) for name in kept]


def _manifest(name: str) -> bool:
    return any(PurePosixPath(name).match(pattern) for pattern in _MANIFESTS)


def _has_source(tree: Tree, folder: str, drawn: _Map) -> bool:
    """True when there is source code in a folder that no layer has yet."""
    inside = folder + "/"
    return any(
        name.startswith(inside)
        and PurePosixPath(name).suffix.lower() in _SOURCE
        and drawn.above(name) is None
        for name in tree.files
    )


def _place(tree: Tree, layer: PresetLayer, drawn: _Map) -> Place:
    folders = [folder for folder, owner in drawn.owner.items() if owner == layer.name]
    inner = [f for f in sorted(folders) if drawn.above(f) != layer.name]
    single = [p for p in layer.paths if not p.endswith("/**") and tree.matching(p)]
    single = [p for p in single if drawn.above(p) in (None, layer.name)]
    paths = [*map(glob_of, inner), *single]
    owned = [glob for folder in inner for glob in _globs(tree, folder, layer.name, drawn)] + single
    absent = [p for p in layer.paths if not tree.matching(p) and not _covered(p, paths)]
    return Place(tuple(paths), tuple(absent), tuple(dict.fromkeys(owned)))


def _covered(pattern: str, globs: list[str]) -> bool:
    return any(g.endswith("/**") and pattern.startswith(g.removesuffix("**")) for g in globs)


def _globs(tree: Tree, folder: str, layer: str, drawn: _Map) -> list[str]:
    """Everything below a folder that no other layer has."""
    whole = glob_of(folder)
    if not drawn.below(folder, layer):
        return [whole]
    names = [
        name.removeprefix(folder + "/") for name in tree.files if name.startswith(folder + "/")
    ]
    children = sorted({f"{folder}/{name.split('/')[0]}" for name in names if "/" in name})
    direct = any("/" not in name for name in names)
    globs = [whole.removesuffix("*")] if direct else []
    for child in children:
        if drawn.owner.get(child, layer) == layer:
            globs += _globs(tree, child, layer, drawn)
    return globs


def covering(places: Mapping[str, Place], folder: str, order: Iterable[str]) -> str | None:
    """The layer whose globs cover a folder, or None."""
    inside = glob_of(folder).removesuffix("**")
    for name in order:
        for path in places[name].owned:
            base = path.removesuffix("**").removesuffix("*")
            if path.endswith("*") and (inside.startswith(base) or base.startswith(inside)):
                return name
    return None
