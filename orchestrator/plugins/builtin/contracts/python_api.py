"""Contracts of kind ``python``: the public names of a package.

Both versions are read as text and never imported, so nothing the candidate
would do on import happens, and nothing installed here is analysed instead.
"""

from __future__ import annotations

import ast
import logging
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from orchestrator.plugins.builtin.contracts import modes, python_names
from orchestrator.plugins.builtin.contracts.json_schema import absent
from orchestrator.plugins.builtin.contracts.kinds import Asked, CannotTell, Undecided, Unusable
from orchestrator.plugins.builtin.contracts.python_findings import Comparison
from orchestrator.plugins.builtin.contracts.versions import Version
from orchestrator.plugins.builtin.contracts.wording import going_back
from orchestrator.plugins.spec import CheckContext, Finding, Json, Severity

if TYPE_CHECKING:
    import griffe

__all__ = ["HAS_DIRECTION", "Loaded", "about", "compare", "load", "violations"]

HAS_DIRECTION = False


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
            "names that begin with _", "types", "attributes made at run time"]}  # fmt: skip


def violations(loaded: Loaded, payload: Json) -> None:
    """A package has no samples."""
    del loaded, payload


def compare(old: Loaded, new: Loaded, asked: Asked) -> Iterator[Finding | Undecided]:
    """What callers of the one miss in the other; for ``forward`` the other way round."""
    backward = asked.demand == modes.MUST_NOT_SHRINK
    before, after = (old, new) if backward else (new, old)
    roots = (new.root.resolve(), old.root.resolve())
    try:
        found = list(Comparison(before.tree, after.tree, roots).findings())
    except Exception as error:  # as above
        yield Undecided(new.package, f"it cannot be compared: {type(error).__name__}: {error}")
        return
    for one in sorted(found, key=_weight):
        yield going_back(one) if isinstance(one, Finding) and not backward else one


def _weight(one: Finding | Undecided) -> int:
    """Worst first, what could not be decided last."""
    return list(Severity).index(one.severity) if isinstance(one, Finding) else len(Severity)


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
    python_names.publish(loaded)
    return loaded


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
