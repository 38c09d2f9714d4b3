"""The project's own tools, found in its tree: commands, preparation, contracts.

Nothing here is run. A command that cannot work without more set-up is found
too, but proposed switched off.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace

from orchestrator.config.presets.draft import DraftContract, DraftPrepare
from orchestrator.scaffold.python_project import installation
from orchestrator.scaffold.tree import Tree

__all__ = ["Tool", "contracts", "preparation", "tools"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A command of the project. ``folder`` is where its manifest is (``""``: the root).

    ``language`` is python, node, terraform or other; it decides the layer.
    """

    name: str
    run: str
    folder: str
    language: str
    why: str
    report: str | None = None
    active: bool = True


def tools(tree: Tree) -> list[Tool]:
    """Every test, lint and build command the tree names; at most one of a name."""
    found = [*_pytest(tree), *_node(tree), *_others(tree)]
    if not found:
        found = list(_make(tree))
    unique: dict[str, Tool] = {}
    for tool in found:
        unique.setdefault(tool.name, tool)
    return list(unique.values())


def _folder(manifest: str) -> str:
    return manifest.rpartition("/")[0]


def _in(folder: str, command: str) -> str:
    return f"cd {shlex.quote(folder)} && {command}" if folder else command


def _suffix(folder: str) -> str:
    """A name part that tells folders apart, safe in check names."""
    return "-" + re.sub(r"[^A-Za-z0-9]+", "-", folder).strip("-") if folder else ""


#: Names of files with tests, how many of them are read, and what only pytest runs.
_TESTS, _READ = ("test_*.py", "*_test.py"), 50
_FOR_PYTEST = re.compile(r"^(async )?def test_(?!suite\b)|^(import|from) pytest\b", re.M).search


def _above_tests(folder: str) -> str:
    """The folder that holds the folder of tests, where there is one."""
    parts = folder.split("/") if folder else []
    cut = next((i for i, part in enumerate(parts) if part in ("tests", "test")), len(parts))
    return "/".join(parts[:cut])


def _pytest(tree: Tree) -> Iterator[Tool]:
    settings = tree.named("pytest.ini", "conftest.py")
    settings += [
        name
        for name in tree.named("pyproject.toml", "tox.ini", "setup.cfg", "requirements*.txt")
        if re.search(r"\bpytest\b", tree.text(name))
    ]
    settings = settings or [n for n in tree.named(*_TESTS)[:_READ] if _FOR_PYTEST(tree.text(n))]
    if settings:
        first = min(settings, key=lambda name: (name.count("/"), name))
        run = "python3 -m pytest -q --junitxml {report}"
        folder = _above_tests(_folder(first))
        why = f"{first} says that pytest is used"
        yield Tool("pytest" + _suffix(folder), _in(folder, run), folder, "python", why, "junit")


_RUNNERS = (("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lockb", "bun"))


def _runner(tree: Tree, folder: str) -> str:
    """npm, or whose lock file lies beside the manifest or at the root."""
    for lock, runner in _RUNNERS:
        if {f"{folder}/{lock}" if folder else lock, lock} & set(tree.files):
            return runner
    return "npm"


def _node(tree: Tree) -> Iterator[Tool]:
    for manifest in tree.named("package.json")[:8]:
        try:
            scripts = dict(json.loads(tree.text(manifest)).get("scripts") or {})
        except (ValueError, AttributeError, TypeError):
            continue
        folder = _folder(manifest)
        runner = _runner(tree, folder)
        for script in ("lint", "typecheck", "test", "build"):
            said = str(scripts.get(script, ""))
            if said and "no test specified" not in said:
                name = f"{runner}-{script}{_suffix(folder)}"
                why = f'{manifest} has a script "{script}"'
                yield Tool(name, _in(folder, f"{runner} run {script}"), folder, "node", why)


_OTHERS = (
    ("Cargo.toml", "cargo-test", "cargo test --quiet", "other"),
    ("go.mod", "go-test", "go test ./...", "other"),
    ("pom.xml", "maven-test", "mvn -q -B test", "other"),
    ("mix.exs", "mix-test", "mix test", "other"),
    ("pubspec.yaml", "flutter-test", "flutter test", "other"),
    ("Package.swift", "swift-test", "swift test", "other"),
    ("*.tf", "terraform-format", "terraform fmt -check -recursive", "terraform"),
)


def _others(tree: Tree) -> Iterator[Tool]:
    for manifest, name, run, language in _OTHERS:
        for found in tree.named(manifest)[:1]:
            folder = _folder(found)
            if language == "terraform":
                folder = folder.split("/")[0]
            why = f"{found} is there"
            yield Tool(name + _suffix(folder), _in(folder, run), folder, language, why)
    for found in tree.named("build.gradle", "build.gradle.kts")[:1]:
        wrapped = "gradlew" in tree.files
        run = "./gradlew test" if wrapped else "gradle test"
        yield Tool("gradle-test", run, "", "other", f"{found} is there")
    for found in tree.named("dbt_project.yml")[:1]:
        why = "needs a dbt profile that works without a warehouse"
        yield Tool("dbt-parse", _in(_folder(found), "dbt parse"), _folder(found), "other", why,
                   active=False)  # fmt: skip


def _make(tree: Tree) -> Iterator[Tool]:
    for name in ("Makefile", "makefile", "GNUmakefile"):
        if name in tree.files:
            for target in ("test", "check"):
                if re.search(rf"^{target}\s*:", tree.text(name), re.M):
                    why = f'{name} has a target "{target}"'
                    yield Tool(f"make-{target}", f"make {target}", "", "other", why)
                    return


def preparation(tree: Tree) -> list[DraftPrepare]:
    """What a fresh checkout needs before those commands can work there."""
    return [*_python_steps(tree), *_node_steps(tree)]


def _python_steps(tree: Tree) -> Iterator[DraftPrepare]:
    pip = ".venv/bin/python -m pip install --quiet --disable-pip-version-check"
    wanted = [n for n in tree.named("requirements*.txt") if "/" not in n]
    if "uv.lock" in tree.files:
        yield DraftPrepare("uv sync --frozen", ("uv.lock", "pyproject.toml"), ".venv")
    elif "poetry.lock" in tree.files:
        run = "POETRY_VIRTUALENVS_IN_PROJECT=true poetry install --no-interaction"
        yield DraftPrepare(run, ("poetry.lock", "pyproject.toml"), ".venv")
    elif wanted:
        names = " ".join(f"-r {shlex.quote(name)}" for name in wanted)
        yield DraftPrepare(f"python3 -m venv .venv && {pip} {names}", tuple(wanted), ".venv")
    elif "pyproject.toml" in tree.files:
        yield installation(tree)


_INSTALL = {
    "package-lock.json": "npm ci --no-audit --no-fund",
    "pnpm-lock.yaml": "pnpm install --frozen-lockfile",
    "yarn.lock": "yarn install --frozen-lockfile",
}


def _node_steps(tree: Tree) -> Iterator[DraftPrepare]:
    for name in tree.named(*_INSTALL)[:4]:
        folder = _folder(name)
        keep = f"{folder}/node_modules" if folder else "node_modules"
        yield DraftPrepare(_in(folder, _INSTALL[name.rpartition("/")[2]]), (name,), keep)


_OPENAPI = re.compile(r"""^\s*\{?\s*["']?openapi["']?\s*:\s*["']?3\.""", re.M)
_EXTRA = {"graphql": "graphql", "proto": "protobuf", "avsc": "avro"}


def contracts(tree: Tree) -> list[DraftContract]:
    """Interfaces described in files; kinds that need an extra are proposed switched off."""
    found: list[DraftContract] = []
    for name in tree.named("*openapi*.json", "*openapi*.y*ml", "*swagger*.json", "*swagger*.y*ml"):
        if _OPENAPI.search(tree.text(name)):
            found.append(DraftContract("", "openapi", name, why="describes an API"))
    for name in tree.named("*.schema.json", "*schema*.json"):
        if _is_schema(tree.text(name)):
            found.append(DraftContract("", "json-schema", name, why="is a JSON Schema"))
    for name in tree.named(*(f"*.{ending}" for ending in _EXTRA))[:8]:
        kind = _EXTRA[name.rpartition(".")[2]]
        why = "switch it on with: pip install 'handoff-orchestrator[contracts]'"
        found.append(DraftContract("", kind, name, why=why, active=False))
    return _named(found[:20])


def _is_schema(text: str) -> bool:
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return isinstance(value, dict) and "json-schema.org" in str(value.get("$schema", ""))


def _named(found: list[DraftContract]) -> list[DraftContract]:
    """The same with names made from paths, each of them once."""
    taken: dict[str, DraftContract] = {}
    for one in found:
        path = one.path.lower()
        stem = re.sub(r"(\.schema)?\.(json|ya?ml|graphql|proto|avsc)$", "", path)
        parts = re.sub(r"[^a-z0-9/]+", "-", stem).split("/")
        for depth in range(1, len(parts) + 1):
            name = "-".join(p.strip("-") for p in parts[-depth:] if p.strip("-"))[-60:].strip("-")
            if name and name not in taken:
                taken[name] = replace(one, name=name)
                break
    return list(taken.values())
