"""Contracts of kind ``protobuf``: a folder (or file) of ``.proto``, compared by ``buf``.

``buf`` runs as a command, without the network, in folders of its own. It ends
with 100 when it found breaks, with 1 when it could not read its input.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrator.plugins.builtin.contracts import modes
from orchestrator.plugins.builtin.contracts.json_schema import absent
from orchestrator.plugins.builtin.contracts.kinds import (
    Asked,
    CannotTell,
    Missing,
    Undecided,
    Unusable,
)
from orchestrator.plugins.builtin.contracts.protobuf_declarations import declared
from orchestrator.plugins.builtin.contracts.versions import Version
from orchestrator.plugins.builtin.contracts.wording import going_back
from orchestrator.plugins.spec import (
    CheckContext,
    CommandResult,
    Finding,
    Json,
    Severity,
)

__all__ = ["HAS_DIRECTION", "POLICIES", "Loaded", "about", "compare", "load", "violations"]

HAS_DIRECTION = False

_BROKEN_INPUT, _BREAKS = 1, 100
#: What a contract that is one file is called where buf reads it.
_SINGLE = "single.proto"
_IMPORT = re.compile(rb'^\s*import\s+(?:public\s+|weak\s+)?"([^"\n]+)"\s*;', re.MULTILINE)
_SECONDS = 60.0
#: ``policy`` of the configuration → the category of buf's rules.
POLICIES = {"file": "FILE", "package": "PACKAGE", "wire-json": "WIRE_JSON", "wire": "WIRE"}
#: Beginnings of a rule → what to do about it; the first that fits.
_REMEDIES = (
    ("field-no-delete", "keep the field, or reserve its number and its name"),
    ("field-same", "keep the field as it was; add a new one with another number"),
    ("field", "add a new field with another number beside it"),
    ("enum-value", "keep the value, or reserve its number and its name"),
    ("rpc", "keep the method; add a new one beside it"),
    ("service", "keep the service; add a new one beside it"),
    ("message", "keep the message; add a new one beside it"),
    ("reserved", "keep what was reserved reserved"),
    ("file", "keep the file and its package"),
)


@dataclass(frozen=True)
class Loaded:
    """The files of one version, written to ``folder`` below their path in the repository.

    A ``single`` file is there under one name in every version: buf compares by names.
    """

    folder: Path
    root: str
    files: tuple[str, ...]
    policy: str
    single: str | None = None


def load(version: Version, contract: Mapping[str, Json], context: CheckContext) -> Loaded:
    """The files; raises ``Absent``, ``Missing``, ``Unusable`` where buf cannot read them."""
    names = [name for name in version.tree.below(version.path) if name.endswith(".proto")]
    contents = version.tree.contents(names)
    if not contents:
        raise absent(contract, "folder of .proto files")
    single = version.path if version.path.endswith(".proto") else None
    root = str(PurePosixPath(version.path).parent) if single else version.path
    if single:
        contents = _with_imports(version, root, contents)
    folder = Path(tempfile.mkdtemp(dir=context.scratch))
    for name, content in contents.items():
        place = folder / (_SINGLE if name == single else PurePosixPath(name).relative_to(root))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    policy = POLICIES[contract.get("policy", "file")]
    (folder / "buf.yaml").write_text(f"version: v2\nbreaking:\n  use: [{policy}]\n")
    loaded = Loaded(folder, root, tuple(contents), policy, single)
    if version.commit is not None:  # an earlier version: read where it is compared
        return loaded
    ended = _buf(context, "build", str(folder), "--error-format", "json")
    if not ended.ok:
        raise _broken_input(ended, loaded, contract)
    return loaded


def _with_imports(version: Version, root: str, contents: dict[str, bytes]) -> dict[str, bytes]:
    """A file with what it imports, and that imports, from beside it; nothing else that is there."""
    found, wanted = dict(contents), list(contents.values())
    beside = {str(PurePosixPath(n).relative_to(root)): n for n in version.tree.below(root)}
    while wanted:
        named = {match.decode(errors="replace") for match in _IMPORT.findall(wanted.pop())}
        names = [beside[name] for name in sorted(named & beside.keys())]
        more = version.tree.contents(name for name in names if name not in found)
        found |= more
        wanted += more.values()
    return found


def about(loaded: Loaded) -> dict[str, Json]:
    """The policy, and what is not compared."""
    return {"policy": loaded.policy, "proto_files": len(loaded.files),
            "not_examined": ["custom options", "comments", "what services do"]}  # fmt: skip


def violations(loaded: Loaded, payload: Json) -> None:
    """Messages on the wire are no JSON samples."""
    del loaded, payload


def compare(old: Loaded, new: Loaded, asked: Asked) -> Iterator[Finding | Undecided]:
    """What users of the one miss in the other; for ``forward`` the other way round."""
    backward = asked.demand == modes.MUST_NOT_SHRINK
    before, after = (old, new) if backward else (new, old)
    against = ("--against", str(before.folder), "--error-format", "json")
    ended = _buf(asked.context, "breaking", str(after.folder), *against)
    if ended.ok:
        return
    if ended.status != "exited" or ended.code != _BREAKS:
        said = ended.output.strip()[-300:]
        yield Undecided("", f"buf could not compare ({ended.status} {ended.code}): {said}")
        return
    for said_ in _objects(ended.output):
        finding = _finding(said_, before, after)
        yield finding if backward else going_back(finding)


def _buf(context: CheckContext, *arguments: str) -> CommandResult:
    """Run buf, the one installed beside us before any other; never the candidate's."""
    beside = Path(sys.executable).parent / "buf"
    program = str(beside) if beside.is_file() else shutil.which("buf")
    if program is None:
        raise Missing("buf, which reads Protobuf,")
    cache = {"BUF_CACHE_DIR": str(Path(context.scratch) / "buf"), "BUF_BETA_SUPPRESS_WARNINGS": "1"}
    ended = context.run([program, *arguments], timeout=min(_SECONDS, context.timeout), extra=cache)
    if ended.status != "exited":
        raise CannotTell(f"buf did not end by itself: {ended.status} {ended.code}")
    return ended


def _broken_input(ended: CommandResult, loaded: Loaded, contract: Mapping[str, Json]) -> Exception:
    """What to raise where buf ended with 1: the files' fault, or nobody knows."""
    found = [_invalid(said, loaded) for said in _objects(ended.output)]
    if found:
        return Unusable(*found[:20])
    return CannotTell(f"buf cannot read {contract['path']}: {ended.output.strip()[-300:]}")


def _objects(text: str) -> list[dict[str, Json]]:
    """One JSON object a line; lines that are none are no findings."""
    found = []
    for line in text.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and "message" in said:
            found.append(said)
    return found


def _finding(said: Mapping[str, Json], before: Loaded, after: Loaded) -> Finding:
    rule = str(said.get("type", "changed")).lower().replace("_", "-")
    remedy = next((text for start, text in _REMEDIES if rule.startswith(start)), None)
    return Finding(
        rule=f"protobuf.{rule}",
        severity=Severity.BREAKING,
        message=str(said["message"]).partition(" See http")[0].rstrip("."),
        file=_file(said, after),
        line=said.get("start_line"),
        remedy=remedy or "keep what is on the wire and in generated code as it was",
        evidence={
            "policy": after.policy,
            "column": said.get("start_column"),
            **_declarations(str(said["message"]), before, after),
        },
    )


def _declarations(message: str, before: Loaded, after: Loaded) -> dict[str, Json]:
    """What was declared, and what is: one of them at least, or nothing."""
    was, now = (declared(message, _texts(side)) for side in (before, after))
    return {"before": was or "absent", "after": now or "absent"} if was or now else {}


def _texts(side: Loaded) -> Iterator[str]:
    for place in sorted(side.folder.rglob("*.proto")):
        yield place.read_text(encoding="utf-8", errors="replace")


def _invalid(said: Mapping[str, Json], loaded: Loaded) -> Finding:
    return Finding(
        rule="protobuf.invalid",
        severity=Severity.BREAKING,
        message=f"buf cannot read it: {said['message']}",
        file=_file(said, loaded),
        line=said.get("start_line"),
        remedy="mend the file; imports have to be below the contract's path, nothing is fetched",
    )


def _file(said: Mapping[str, Json], loaded: Loaded) -> str | None:
    """The repository's path of the file buf names, which is relative to the folder it was given."""
    named = said.get("path")
    if not isinstance(named, str):
        return None
    name = PurePosixPath(named)
    if name.is_absolute():
        if not name.is_relative_to(loaded.folder):
            return None
        name = name.relative_to(loaded.folder)
    if loaded.single and str(name) == _SINGLE:
        return loaded.single
    return str(PurePosixPath(loaded.root) / name)
