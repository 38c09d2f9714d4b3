"""Is evidence true? Everything it binds, held against git, the store and the chain of events."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator import __version__
from orchestrator.config.load import at, in_force, named
from orchestrator.config.model import Config
from orchestrator.engine.attestation import Attested
from orchestrator.errors import OrchestrateError
from orchestrator.git import Git, Repository
from orchestrator.plugins.spec import Json
from orchestrator.store.errors import Tampered
from orchestrator.store.port import Store
from orchestrator.verification.evidence import bind, report_digest
from orchestrator.verification.outcome import Report
from orchestrator.verification.signing import CannotSign, signers

__all__ = ["Point", "prove"]

#: What a point of the proof can be.
HOLDS, ALTERED, UNKNOWN = "holds", "altered", "unknown"


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that was looked at: ``state`` is holds, altered or unknown."""

    what: str
    state: str
    told: str


def prove(
    repository: Repository, store: Store | None, found: Attested, allowed: Path | None = None
) -> list[Point]:
    """Every point that can be looked at. It is true when all hold.

    ``allowed`` is the file of allowed signers, instead of the configured one.
    """
    statement = found.statement
    signatures = list(_signatures(repository, found, allowed))
    vouched = any(point.state == HOLDS for point in signatures)
    return [
        *_summary(statement),
        *_objects(repository.git, statement),
        _configuration(repository, statement),
        *_recorded(store, found, vouched=vouched),
        *signatures,
    ]


def _point(what: str, holds: bool, told: str, otherwise: str) -> Point:
    return Point(what, HOLDS if holds else ALTERED, told if holds else otherwise)


def _summary(statement: Mapping[str, Json]) -> Iterator[Point]:
    """The summary other tools read says what the part of ours says."""
    predicate = statement["predicate"]
    ours, commit = predicate["orchestrate"], statement["subject"][0]["digest"]["gitCommit"]
    passed = ours["verdict"] == "passed"
    said = (
        predicate["verificationResult"] == ("PASSED" if passed else "FAILED"),
        bool(predicate.get("verifiedLevels")) == passed,
        str(predicate.get("resourceUri", "")).endswith(f"@{commit}"),
        str(predicate["policy"].get("uri", "")).endswith(f"@{ours['base'] or commit}"),
        {k: v for k, v in predicate["verifier"]["version"].items() if k != "handoff-orchestrator"}
        == ours["plugins"],
    )
    told = f"{ours['verdict']}, {len(ours['checks'])} checks"
    yield _point("summary", all(said), told, "its parts contradict each other")


def _objects(git: Git, statement: Mapping[str, Json]) -> Iterator[Point]:
    """Commit, tree, base and head, as git has them."""
    ours = statement["predicate"]["orchestrate"]
    commit = statement["subject"][0]["digest"]["gitCommit"]
    tree = statement["subject"][1]["digest"]["gitTree"]
    if git.commit(commit) != commit:
        yield Point("commit", UNKNOWN, f"{commit[:12]} is not in this clone")
        return
    yield Point("commit", HOLDS, commit[:12])
    real = git.tree(commit)
    yield _point("tree", real == tree, tree[:12], f"{commit[:12]} has the tree {real[:12]}")
    base, head = ours["base"], ours["head"]
    for name, each in (("base", base), ("head", head)):
        if each and git.commit(each) != each:
            yield Point(name, UNKNOWN, f"{each[:12]} is not in this clone")
            return
    if head == commit:
        yield Point("base", HOLDS, base[:12] if base else "compared with nothing")
        yield Point("head", HOLDS, head[:12])
        return
    parents = git.out("rev-parse", f"{commit}^@").split()
    merged = f"{commit[:12]} merges {' and '.join(p[:12] for p in parents)}"
    yield _point("base", parents[:1] == [base], (base or "none")[:12], merged)
    yield _point("head", head in parents[1:], head[:12], merged)


def _configuration(repository: Repository, statement: Mapping[str, Json]) -> Point:
    """The rules that were in force, with the plugins the repository has itself."""
    predicate = statement["predicate"]
    ours, digest = predicate["orchestrate"], predicate["policy"]["digest"]["sha256"]
    commit = statement["subject"][0]["digest"]["gitCommit"]
    place = ours["base"] if ours["policyFrom"] == "base" else commit
    try:
        config = _rules(repository, place)
    except OrchestrateError as error:
        return Point("configuration", UNKNOWN, error.message)
    if config is None:
        return Point("configuration", UNKNOWN, f"{str(place)[:12]} has none here")
    if config.digest != digest:
        made = predicate["verifier"]["version"]["handoff-orchestrator"]
        told = f"that of {place[:12]} has the digest {config.digest[:12]}, not {digest[:12]}"
        if made != __version__:
            return Point("configuration", UNKNOWN, f"{told}; it was read by version {made}")
        return Point("configuration", ALTERED, told)
    absent = _absent_plugins(repository.git, place, config, ours["plugins"])
    if absent:
        return Point("plugins", ALTERED, f"{absent} is not as it is in {place[:12]}")
    return Point("configuration", HOLDS, f"{digest[:12]}, from {ours['policyFrom']}")


def _rules(repository: Repository, commit: str | None) -> Config | None:
    source = named(repository)
    if commit is None or (source is not None and Path(source).is_absolute()):
        return None
    return at(repository.git, commit, source)


def _absent_plugins(
    git: Git, commit: str, config: Config, versions: Mapping[str, str]
) -> str | None:
    """A plugin of the repository whose content is in no recorded version."""
    for name in config.verification.plugins:
        content = git.show(commit, name)
        digest = hashlib.sha256(content or b"").hexdigest()[:12]
        if not any(str(version).endswith(digest) for version in versions.values()):
            return name
    return None


def _recorded(store: Store | None, found: Attested, *, vouched: bool) -> Iterator[Point]:
    """The statement is what the store's report says, and that is what was recorded at the time.

    A run of another place is recorded there; here its signer vouches for it, if anybody does.
    """
    row = found.row or (store.read(lambda r: r.get("runs", id=found.run)) if store else None)
    if store is None or row is None or not row["report"]:
        told = f"no run {found.run} is recorded here"
        told = f"{told}; its signer vouches for it" if vouched else told
        yield Point("record", HOLDS if vouched else UNKNOWN, told)
        return
    report = Report.from_json(json.loads(row["report"]))
    differs = list(_differences(bind(report), found.statement))
    told = f"the record of {found.run} says otherwise of {', '.join(differs[:5])}"
    yield _point("record", not differs, f"as {found.run} was recorded", told)
    try:
        store.verify_events()
    except Tampered as error:
        yield Point("events", ALTERED, error.message)
        return
    events = (json.loads(e["data"] or "{}") for e in store.events() if e["kind"] in _ENDS)
    digests = [e["report"] for e in events if e.get("run") == found.run and "report" in e]
    if not digests:
        yield Point("events", UNKNOWN, f"no event has the digest of {found.run}'s report")
        return
    same = report_digest(report) == digests[-1]
    told = f"{found.run}'s report is not the one that was recorded when it ended"
    yield _point("events", same, "the report is the one that was recorded then", told)


#: Events that carry a report's digest.
_ENDS = ("run.end", "integration.verified")


def _differences(one: Json, other: Json, place: str = "") -> Iterator[str]:
    """The places where two JSON values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            yield from _differences(one.get(name), other.get(name), f"{place}.{name}".lstrip("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from _differences(*pair, f"{place}[{number}]")
    elif one != other:
        yield place


def _signatures(repository: Repository, found: Attested, allowed: Path | None) -> Iterator[Point]:
    """Whose signatures are on the envelope, if it is one."""
    if found.envelope is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            file = allowed or _allowed(repository, Path(folder) / "signers")
            made = signers(found.envelope, file)
        except CannotSign as error:
            yield Point("signature", UNKNOWN, error.message)
            return
        if not made:
            yield Point("signature", UNKNOWN, "the envelope has none")
        for each in made:
            if not each.whole:
                yield Point("signature", ALTERED, f"{each.key} did not sign this statement")
            elif each.identity is None:
                why = "no file says who may sign" if file is None else "nobody it knows may sign"
                yield Point("signature", UNKNOWN, f"by the key {each.key}; {why}")
            else:
                yield Point("signature", HOLDS, f"by {each.identity}, {each.key}")


def _allowed(repository: Repository, beside: Path) -> Path | None:
    """The file of allowed signers: the configured one, from the branch; else git's."""
    try:
        config = in_force(repository)
        name, branch = config.evidence.allowed_signers, config.coordinator.integration_branch
    except OrchestrateError:
        name, branch = None, ""
    if name is not None:
        content = repository.git.show(f"refs/heads/{branch}", name)
        if content is None:
            return None
        beside.write_bytes(content)
        return beside
    told = repository.git.run("config", "gpg.ssh.allowedSignersFile", check=False).stdout
    path = Path(told.decode(errors="surrogateescape").strip()).expanduser()
    return path if told.strip() and path.is_file() else None
