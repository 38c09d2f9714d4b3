"""Contracts of kind ``python``: the public names of a package.

Both versions are read as text and never imported, so nothing the candidate
would do on import happens, and nothing installed here is analysed instead.
"""

from __future__ import annotations

import ast
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from orchestrator.plugins.builtin.contracts import modes, python_calls
from orchestrator.plugins.builtin.contracts.json_schema import absent
from orchestrator.plugins.builtin.contracts.kinds import Asked, CannotTell, Undecided, Unusable
from orchestrator.plugins.builtin.contracts.versions import Version
from orchestrator.plugins.builtin.contracts.wording import going_back
from orchestrator.plugins.spec import CheckContext, Finding, Json, Severity

if TYPE_CHECKING:
    import griffe

__all__ = ["HAS_DIRECTION", "Loaded", "about", "compare", "load", "violations"]

HAS_DIRECTION = False

_WHAT_TO_DO = {
    "parameter-removed": "keep the parameter, with a default, even if it is ignored",
    "parameter-added-required": "give the new parameter a default",
    "parameter-changed-required": "keep the default of the parameter",
    "parameter-moved": "keep the order of positional parameters; add new ones at the end",
    "parameter-changed-kind": "accept the parameter the way it was passed before",
    "parameter-changed-default": "keep the default, or tell callers that it changed",
    "object-removed": "keep the name, marked deprecated, until nobody uses it any more",
    "object-changed-kind": "keep the kind, or introduce the new object under a new name",
    "return-changed-type": "keep returning what was promised, or introduce a new function",
    "attribute-changed-type": "keep the type, or introduce a new attribute",
    "attribute-changed-value": "keep the value, or tell callers that it changed",
    "class-removed-base": "keep the base class: callers may rely on it",
}
#: Changes that may break somebody, or nobody.
_DANGEROUS = frozenset(("parameter-changed-default", "attribute-changed-value"))


@dataclass(frozen=True)
class Loaded:
    """A package as it is in one version. ``root`` is the folder its files were written to."""

    package: str
    root: Path
    tree: griffe.Object | griffe.Alias


def load(version: Version, contract: Mapping[str, Json], context: CheckContext) -> Loaded:
    """The package's public interface; raises ``Unusable``, or ``CannotTell`` without a package."""
    package = str(contract.get("package") or "")
    if not package:
        raise CannotTell(f"contract {contract['name']} of kind python names no package")
    folder = str(_root(version.path, package))
    files = _files(version, folder, package)
    if not files:
        raise absent(contract, f"package {package}")
    bad = list(_syntax(files))
    if bad:
        raise Unusable(*bad)
    root = Path(tempfile.mkdtemp(dir=context.scratch))
    for name, content in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    try:
        return Loaded(package, root, _parsed(root / folder, package))
    except Exception as error:  # griffe has no base class for what files may do to it
        raise Unusable(_about_package(contract, "python.unreadable",
            f"the package {package} cannot be read: {type(error).__name__}: {error}",
            "mend the package"))  from error  # fmt: skip


def about(loaded: Loaded) -> dict[str, Json]:
    """The package, and what is not compared."""
    return {"package": loaded.package, "not_examined": ["behaviour", "exceptions raised",
            "names that begin with _", "attributes made at run time"]}  # fmt: skip


def violations(loaded: Loaded, payload: Json) -> None:
    """A package has no samples."""
    del loaded, payload


def compare(old: Loaded, new: Loaded, asked: Asked) -> Iterator[Finding | Undecided]:
    """What callers of the one miss in the other; for ``forward`` the other way round."""
    import griffe

    backward = asked.demand == modes.MUST_NOT_SHRINK
    before, after = (old, new) if backward else (new, old)
    roots = (new.root.resolve(), old.root.resolve())
    try:
        changes = list(griffe.find_breaking_changes(before.tree, after.tree))
        found = [_shown(_finding(c, roots), c, before, after) for c in changes]
    except Exception as error:  # as above
        yield Undecided(new.package, f"it cannot be compared: {type(error).__name__}: {error}")
        return
    yield from (finding if backward else going_back(finding) for finding in found)


def _files(version: Version, root: str, package: str) -> dict[str, bytes]:
    """The Python files of the package, by their path in the repository."""
    top = f"{root}/{package.split('.')[0]}".removeprefix("./")
    names = [*version.tree.below(f"{top}.py"), *version.tree.below(top)]
    inside = f"{root}/{package.replace('.', '/')}".removeprefix("./")
    found = version.tree.contents(name for name in names if name.endswith((".py", ".pyi")))
    mine = any(name.startswith((f"{inside}/", f"{inside}.py")) for name in found)
    return found if mine else {}


def _about_package(contract: Mapping[str, Json], rule: str, message: str, remedy: str) -> Finding:
    return Finding(rule, Severity.BREAKING, message, contract["path"], remedy=remedy)


def _root(written: str, package: str) -> PurePosixPath:
    """The folder the package is imported from; the path may name it or the package itself."""
    path = PurePosixPath(written)
    inner = PurePosixPath(*package.split("."))
    for candidate in (inner, inner.with_suffix(".py"), inner / "__init__.py"):
        depth = len(candidate.parts)
        if path.parts[-depth:] == candidate.parts:
            return PurePosixPath(*path.parts[:-depth])
    return path


def _parsed(root: Path, package: str) -> griffe.Object | griffe.Alias:
    import griffe

    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    loader = griffe.GriffeLoader(search_paths=[root], allow_inspection=False)
    loaded = loader.load(package, try_relative_path=False)
    loader.resolve_aliases(implicit=False, external=False)
    return loaded


def _finding(breakage: griffe.Breakage, roots: Sequence[Path]) -> Finding:
    kind = breakage.kind.name.lower().replace("_", "-")
    removed = kind == "object-removed"
    values = {"before": str(breakage.old_value), "after": str(breakage.new_value)}
    if removed:
        values = {}
    change = f" ({values['before']} -> {values['after']})" if values else ""
    return Finding(
        rule=f"python.{kind}",
        severity=Severity.DANGEROUS if kind in _DANGEROUS else Severity.BREAKING,
        message=f"{breakage.obj.path}: {breakage.kind.value.lower()}{change}",
        file=_file(breakage, roots),
        line=None if removed else _line(breakage),
        remedy=_WHAT_TO_DO.get(kind, "keep what callers rely on"),
        evidence={"object": breakage.obj.path, **values},
    )


def _shown(finding: Finding, breakage: griffe.Breakage, before: Loaded, after: Loaded) -> Finding:
    """The finding with a call, or an import, that worked before and does not any more."""
    path = breakage.obj.path
    if finding.rule == "python.object-removed":
        module, _, name = path.rpartition(".")
        more: dict[str, Json] = {"counterexample": f"from {module} import {name}"}
    else:
        both = (_object(before, path), _object(after, path))
        call = None if None in both else python_calls.shown(path, *both)
        more = {"counterexample": call.call, "refused_because": call.refused} if call else {}
    return replace(finding, evidence={**finding.evidence, **more})


def _object(loaded: Loaded, path: str) -> griffe.Object | griffe.Alias | None:
    try:
        return loaded.tree.modules_collection[path]  # type: ignore[no-any-return]  # a mapping
    except Exception:  # a name that is elsewhere in this version, or leads nowhere
        return None


def _file(breakage: griffe.Breakage, roots: Sequence[Path]) -> str | None:
    """The file of the object, relative to the repository, in whichever version it stands."""
    path = _owner(breakage).filepath
    for root in roots:
        if isinstance(path, Path) and path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return None


def _line(breakage: griffe.Breakage) -> int | None:
    found = breakage.obj
    return (found.alias_lineno if found.is_alias else found.lineno) or None  # type: ignore[attr-defined]  # the library's own idiom


def _owner(breakage: griffe.Breakage) -> griffe.Object | griffe.Alias:
    """The object, or for an imported name the module that imports it."""
    found = breakage.obj
    return found.parent or found if found.is_alias else found


def _syntax(files: Mapping[str, bytes]) -> Iterator[Finding]:
    """Modules that are no Python: the library would leave them out and not say so."""
    for path, content in files.items():
        try:
            ast.parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            yield Finding(
                rule="python.unreadable",
                severity=Severity.BREAKING,
                message=f"this is no Python: {getattr(error, 'msg', error)}",
                file=path,
                line=getattr(error, "lineno", None),
                remedy="mend the file",
            )
