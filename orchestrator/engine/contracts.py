"""Asking the contracts family outside a run: compare two versions, list those that are kept.

The family runs in a worker process, as in a run, so that whatever it reads can
hang or crash nobody. Files and git objects are read; nothing is changed.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from orchestrator import descendants
from orchestrator.config.model import Config, Contract
from orchestrator.config.names import contracts_named
from orchestrator.environment import allowed
from orchestrator.errors import OrchestrateError, UsageError
from orchestrator.git import Git, GitError, NotARepository, Repository, find
from orchestrator.plugins.remote import Worker
from orchestrator.plugins.spec import Check, CheckResult, Json

__all__ = ["NoContract", "NoVersion", "Pair", "compare", "identify", "kept_versions", "kind_of",
           "kind_of_both", "known", "package_of", "pair"]  # fmt: skip

#: Seconds one comparison may take, and a whole history.
SECONDS, HISTORY_SECONDS = 120.0, 600.0
_PLUGIN = "orchestrator.plugins.builtin.contracts"
_KINDS = {
    ".proto": "protobuf",
    ".graphql": "graphql",
    ".graphqls": "graphql",
    ".gql": "graphql",
    ".avsc": "avro",
    ".py": "python",
}


class NoContract(OrchestrateError):
    """The configuration has no contract of this name.

    Happens when ``contract history``, ``bless`` or ``diff --contract`` names
    one that is not under ``contracts:``. The hint lists those that are.
    """

    code = "E430"


class NoVersion(OrchestrateError):
    """There is no such version of a contract to compare.

    Happens when an argument of ``contract diff`` is neither a file or folder
    nor ``REF:PATH`` of this repository, or when a ref has no such path.
    """

    code = "E431"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions to compare: each with ``folder`` or ``commit``, ``path`` and ``label``."""

    old: Mapping[str, Json]
    new: Mapping[str, Json]


def known(config: Config, name: str) -> Contract:
    """The contract of this name; raises ``NoContract``."""
    if name not in config.contracts:
        listed = ", ".join(sorted(config.contracts)) or "none"
        raise NoContract(f"there is no contract {name!r}", hint=f"contracts here: {listed}")
    return config.contracts[name]


def pair(old: str, new: str, contract: Contract | None = None) -> Pair:
    """What two arguments mean: a file, a folder, ``REF:PATH``, or a ref alone.

    A ref alone is that revision of the other's path, or of ``contract``'s.
    Raises ``NoVersion``.
    """
    ours = contract.path if contract else None
    first = _version(old, ours)
    second = _version(new, ours or (first["path"] if first else None))
    first = first or _version(old, second["path"] if second else None)
    for argument, version in ((old, first), (new, second)):
        if version is None:
            hint = "give a file, a folder, or REF:PATH, for example main:api/openapi.yaml"
            raise NoVersion(f"{argument!r} is no file here and names no revision's", hint=hint)
    assert first is not None
    assert second is not None
    return Pair({**first, "label": old}, {**second, "label": new})


def kind_of(path: str, text: bytes | None) -> str:
    """The kind a file is probably of: by its ending, or by what it says."""
    ending = Path(path).suffix
    if ending in _KINDS:
        return _KINDS[ending]
    if text is None:
        return "protobuf"
    return "openapi" if re.search(rb"\b(openapi|swagger)\b", text[:4096]) else "json-schema"


def guessed(version: Mapping[str, Json]) -> str:
    """The kind of a version named outright."""
    path = str(version["path"])
    if version.get("commit"):
        content = Git(Path(version["folder"])).show(version["commit"], path)
    else:
        place = Path(version["folder"]) / path
        content = place.read_bytes()[:4096] if place.is_file() else None
    if content is not None:
        return kind_of(path, content)
    endings = [Path(name).suffix for name in _names(version)]
    return next((_KINDS[e] for e in (".proto", ".graphql", ".graphqls", ".gql", ".py")
                 if e in endings), "json-schema")  # fmt: skip


def kind_of_both(versions: Pair) -> str:
    """The kind both versions are probably of; raises ``UsageError`` where they differ.

    Compared as another kind, next to nothing of them would count.
    """
    old, new = guessed(versions.old), guessed(versions.new)
    if old != new:
        raise UsageError(f"{versions.old['label']} looks like {old}, and "
                         f"{versions.new['label']} like {new}",
                         hint=f"say what they are: --kind {old}")  # fmt: skip
    return new


def package_of(version: Mapping[str, Json]) -> str | None:
    """The one Python package in a folder, or that the folder is; None where it is not one."""
    path = PurePosixPath(str(version["path"]))
    inside = [PurePosixPath(name) for name in _names(version)]
    found = [one.parent.relative_to(path).parts for one in inside if one.name == "__init__.py"]
    if () in found:
        return path.name or None
    top = {parts[0] for parts in found if len(parts) == 1}
    return top.pop() if len(top) == 1 else None


def _names(version: Mapping[str, Json]) -> list[str]:
    """The files below a version's path, with it."""
    path, folder = str(version["path"]), Path(version["folder"])
    if version.get("commit"):
        options = ("ls-tree", "-r", "-z", "--name-only", version["commit"], "--", path)
        return list(Git(folder).lines(*options))
    place = folder / path
    return (
        [one.relative_to(folder).as_posix() for one in place.rglob("*")] if place.is_dir() else []
    )


def compare(versions: Pair, contract: Contract, config: Config | None = None) -> CheckResult:
    """Compare two versions under the contract's kind, mode, direction and content model.

    Raises ``PluginTrouble`` where the worker hung or crashed.
    """
    layers = config.layers if config else {}
    spec = {
        "contract": asdict(contract),
        "old": versions.old,
        "new": versions.new,
        "consumers": [
            n for n, layer in layers.items() if contract.name in contracts_named(layer.input)
        ],
        "producers": [n for n, layer in layers.items() if layer.output == contract.name],
    }
    return _ask(spec, Path(str(versions.new["folder"])), None, config, SECONDS)


def kept_versions(
    repository: Repository, config: Config, contract: Contract, base: str, last: int
) -> CheckResult:
    """The versions the commit ``base`` has kept, newest first: see the family's ``history``."""
    spec = {"contract": asdict(contract), "history": last}
    return _ask(spec, repository.worktree, base, config, HISTORY_SECONDS)


def identify(repository: Repository, contract: Contract, commit: str) -> CheckResult:
    """The version a commit has, as ``data["version"]`` and ``data["files"]``."""
    new = {"commit": commit, "folder": str(repository.worktree), "path": contract.path,
           "label": commit[:12]}  # fmt: skip
    bare = {**asdict(contract), "compatibility": "none", "samples": None}
    return _ask({"contract": bare, "new": new}, repository.worktree, None, None, SECONDS)


def _ask(
    spec: Mapping[str, Json], folder: Path, base: str | None, config: Config | None, seconds: float
) -> CheckResult:
    """Execute a check of the family in a worker of its own."""
    name = spec["contract"]["name"]
    check = Check(f"contracts/{name}", "contracts", "contracts", name, spec=spec, timeout=seconds)
    with tempfile.TemporaryDirectory(prefix="orchestrate-contract-") as scratch:
        context = {
            "checkout": str(folder),
            "scratch": scratch,
            "commit": "",
            "base": base,
            "base_checkout": None,
            "repository": str(folder),
            "environment": allowed(),
            "base_environment": {},
            "timeout": seconds,
            "config": config.to_json() if config else {},
            "upstream": {},
        }
        source = {"kind": "builtin", "name": "contracts", "place": _PLUGIN}
        worker = Worker(descendants.marker(Path(scratch)))
        try:
            request = {"do": "execute", "source": source, "check": asdict(check),
                       "context": context}  # fmt: skip
            answer = worker.ask(request, seconds)
        except BaseException:
            worker.kill()
            raise
        finally:
            worker.close()
    return CheckResult.from_json(answer["result"])


def _version(argument: str, path: str | None) -> dict[str, Json] | None:
    """What one argument means, or None where it is not known yet or at all."""
    place = Path(argument)
    if place.exists():
        return _on_disk(place)
    ref, colon, named = argument.partition(":")
    inside = named if colon else path
    try:
        repository = find()
        commit = repository.git.commit(ref) if ref else None
    except (NotARepository, GitError):
        return None
    if commit is None or not inside:
        return None
    folder = repository.worktree
    if not repository.git.lines("ls-tree", "-z", "--name-only", commit, "--", inside):
        raise NoVersion(f"{ref} has no {inside}", hint="paths of a revision begin at its top")
    return {"commit": commit, "folder": str(folder), "path": inside}


def _on_disk(place: Path) -> dict[str, Json]:
    """A file or folder; read within its repository, so that it may refer to others there."""
    place = place.resolve()
    try:
        root = find(place.parent).worktree.resolve()
    except NotARepository:
        root = place.parent
    return {"folder": str(root), "path": place.relative_to(root).as_posix()}
