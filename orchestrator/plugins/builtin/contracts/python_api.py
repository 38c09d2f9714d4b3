"""Contracts of kind ``python``: the public names of a package, compared with the base's.

Both versions are read as text and never imported, so nothing the candidate
would do on import happens, and nothing installed here is analysed instead.
"""

from __future__ import annotations

import ast
import io
import logging
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from orchestrator.git import Git, GitError
from orchestrator.plugins.builtin.contracts.verdict import Part, broken, combined, unclear
from orchestrator.plugins.spec import CheckContext, CheckResult, Finding, Json, Outcome, Severity

if TYPE_CHECKING:
    import griffe

__all__ = ["execute"]

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


def execute(spec: Mapping[str, Json], context: CheckContext) -> CheckResult:
    """Compare the package's public interface; never raises for what its files contain."""
    contract = spec["contract"]
    package = str(contract.get("package") or "")
    if not package:
        reason = f"contract {contract['name']} of kind python names no package"
        return combined([unclear(Outcome.ERRORED, reason)])
    root = Path(context.checkout).resolve() / _root(contract, package)
    if not _is_there(root, package):
        return combined([_absent(contract, package)])
    bad = list(_syntax(root, package, Path(context.checkout).resolve()))
    if bad:
        return combined([broken(*bad)])
    try:
        new = _load(root, package)
    except Exception as error:  # griffe has no base class for what files may do to it
        reason = f"the package {package} cannot be read: {type(error).__name__}: {error}"
        return combined([unclear(Outcome.ERRORED, reason)])
    if contract["compatibility"] == "none":
        return combined([Part(data={"package": package})])
    return combined([Part(data={"package": package}), _compared(spec, context, package, new)])


def _root(contract: Mapping[str, Json], package: str) -> PurePosixPath:
    """The folder the package is imported from; the path may name it or the package itself."""
    path = PurePosixPath(contract["path"])
    inner = PurePosixPath(*package.split("."))
    for candidate in (inner, inner.with_suffix(".py"), inner / "__init__.py"):
        depth = len(candidate.parts)
        if path.parts[-depth:] == candidate.parts:
            return PurePosixPath(*path.parts[:-depth])
    return path


def _is_there(root: Path, package: str) -> bool:
    place = root.joinpath(*package.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def _load(root: Path, package: str) -> griffe.Object | griffe.Alias:
    import griffe

    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    loader = griffe.GriffeLoader(search_paths=[root], allow_inspection=False)
    loaded = loader.load(package, try_relative_path=False)
    loader.resolve_aliases(implicit=False, external=False)
    return loaded


def _compared(
    spec: Mapping[str, Json],
    context: CheckContext,
    package: str,
    new: griffe.Object | griffe.Alias,
) -> Part:
    if context.base is None:
        return Part(data={"compared_with": []})
    import griffe

    before = Path(context.scratch) / "base"
    try:
        _export(context, str(_root(spec["contract"], package)), package, before)
    except (GitError, tarfile.TarError, OSError) as error:
        return unclear(Outcome.ERRORED, f"the package at the base cannot be read: {error}")
    root = before / _root(spec["contract"], package)
    if not _is_there(root, package):
        return _new(spec["contract"], package)
    try:
        old = _load(root, package)
        changes = list(griffe.find_breaking_changes(old, new))
        roots = (Path(context.checkout).resolve(), before.resolve())
        found = [_finding(change, spec, roots) for change in changes]
    except Exception as error:  # as above
        reason = f"the package at the base cannot be read: {type(error).__name__}: {error}"
        return unclear(Outcome.INCONCLUSIVE, reason)
    part = broken(*found)
    return Part(part.outcome, part.reason, part.findings, {"compared_with": ["base"]})


def _export(context: CheckContext, root: str, package: str, target: Path) -> None:
    """Write the package as it is at the base below ``target``."""
    top = package.split(".")[0]
    place = PurePosixPath(root)
    git = Git(Path(context.checkout))
    base = str(context.base)
    if git.commit(base) is None:
        raise GitError(f"the base {base} is not here")
    names = [str(place / top), str(place / f"{top}.py")]
    names = [name for name in names if git.out("ls-tree", base, "--", name)]
    target.mkdir(parents=True, exist_ok=True)
    if names:
        packed = git.run("archive", "--format=tar", base, "--", *names).stdout
        _unpack(packed, target)


def _unpack(packed: bytes, target: Path) -> None:
    """Write the regular files of a tar archive made by git, whose names stay below the top.

    Links are left out: they could lead anywhere, and nothing here follows them.
    """
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                place = target / member.name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content.read())


def _finding(breakage: griffe.Breakage, spec: Mapping[str, Json], roots: Sequence[Path]) -> Finding:
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
        evidence={"object": breakage.obj.path, **values, "consumers": list(spec["consumers"])},
    )


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


def _syntax(root: Path, package: str, checkout: Path) -> Iterator[Finding]:
    """Modules that are no Python: the library would leave them out and not say so."""
    place = root.joinpath(*package.split("."))
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    for path in files:
        try:
            ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, RecursionError, OSError) as error:
            yield Finding(
                rule="python.unreadable",
                severity=Severity.BREAKING,
                message=f"this is no Python: {getattr(error, 'msg', error)}",
                file=path.relative_to(checkout).as_posix(),
                line=getattr(error, "lineno", None),
                remedy="mend the file",
            )


def _absent(contract: Mapping[str, Json], package: str) -> Part:
    return broken(
        Finding(
            rule="contract.absent",
            severity=Severity.BREAKING,
            message=f"the package {package} of contract {contract['name']} is not there",
            file=contract["path"],
            remedy="restore the package, or take the contract out of the configuration",
        )
    )


def _new(contract: Mapping[str, Json], package: str) -> Part:
    found = Finding(
        rule="contract.new",
        severity=Severity.NOTICE,
        message=f"the package {package} is new; there is no version to compare it with",
        file=contract["path"],
    )
    return Part(findings=(found,), data={"compared_with": []})
