"""Finds the evidence of a run: in the store, by run or handoff, or in a file somebody exported."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config.load import in_force
from orchestrator.errors import OrchestrateError
from orchestrator.git import Git, Repository
from orchestrator.plugins.spec import Json
from orchestrator.store.port import Reader, Row, Store
from orchestrator.store.sqlite import open_store
from orchestrator.verification.evidence import STATEMENT, bind
from orchestrator.verification.outcome import Report
from orchestrator.verification.signing import CannotSign, opened

__all__ = ["Attested", "NoEvidence", "NotEvidence", "find_evidence", "signing_key", "store_of"]

#: Bytes of a file that may be evidence.
_LIMIT = 16 << 20


class NotEvidence(OrchestrateError):
    """This file is not evidence of a verification.

    Happens when ``orchestrate evidence`` is given a file that is neither an
    in-toto statement with a verification summary of ours nor an envelope
    around one. ``orchestrate evidence export`` writes such files.
    """

    code = "E442"


class NoEvidence(OrchestrateError):
    """There is no evidence by this name.

    Happens when ``orchestrate evidence`` is asked about a run or handoff that
    does not exist, or whose verification ended without a report. ``orchestrate
    handoff list --all`` shows the handoffs; a local ``orchestrate verify``
    leaves evidence only with ``--report intoto``.
    """

    code = "E443"


@dataclass(frozen=True, slots=True)
class Attested:
    """A ``statement``, with the ``envelope`` it came in and the store's ``row`` of its run."""

    statement: Mapping[str, Json]
    envelope: Mapping[str, Json] | None = None
    row: Row | None = None

    @property
    def run(self) -> str:
        """The id of the run it is about."""
        return str(self.statement["predicate"]["orchestrate"]["run"])


def store_of(repository: Repository) -> Store | None:
    """The repository's store if it has one; none is made for a question."""
    if not (repository.state / "state.db").is_file():
        return None
    return open_store(repository.state)


def find_evidence(repository: Repository, store: Store | None, name: str | None) -> Attested:
    """The evidence of a run (``R-3``), a handoff's last run (``H-7``) or in a file.

    Without a name, that of the run that ended last. Raises ``NoEvidence`` or
    ``NotEvidence``.
    """
    if name is not None and os.path.lexists(name):
        return _in_file(Path(name))
    row = store.read(lambda reader: _row(reader, name)) if store else None
    if row is None or not row["report"]:
        what = f"{name} has no report" if row else f"no run, handoff or file {name!r} is here"
        if name is None:
            what = "no run has ended here yet"
        raise NoEvidence(what, hint="orchestrate handoff list --all")
    report = Report.from_json(json.loads(row["report"]))
    return Attested(bind(report), row=row)


def _row(reader: Reader, name: str | None) -> Row | None:
    if name is None:
        ended = reader.find("runs", {"status": "done"}, order="-ended_at", limit=1)
        return ended[0] if ended else None
    handoff = reader.get("handoffs", id=name)
    return reader.get("runs", id=handoff["run"] if handoff else name)


def _in_file(path: Path) -> Attested:
    """The statement in a file, by itself or in an envelope."""
    try:
        if path.stat().st_size > _LIMIT:
            raise NotEvidence(f"{path} is larger than {_LIMIT >> 20} MiB")
        value = json.loads(path.read_bytes())
        envelope = value if isinstance(value, dict) and "payloadType" in value else None
        statement = opened(envelope) if envelope else value
    except OSError as error:
        raise NotEvidence(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise NotEvidence(f"{path}: {error}", hint=_HINT) from error
    problem = _malformed(statement)
    if problem:
        raise NotEvidence(f"{path}: {problem}", hint=_HINT)
    return Attested(statement, envelope)


_HINT = "orchestrate evidence export writes such a file"


def _malformed(value: Json) -> str | None:
    """Why a value is no statement of ours, or None: what readers rely on is there."""
    if not isinstance(value, dict) or value.get("_type") != STATEMENT:
        return f"it is not an in-toto statement ({STATEMENT})"
    try:
        ours = value["predicate"]["orchestrate"]
        texts = [
            value["subject"][0]["digest"]["gitCommit"],
            value["subject"][1]["digest"]["gitTree"],
            value["predicate"]["policy"]["digest"]["sha256"],
            value["predicate"]["verificationResult"],
            value["predicate"]["verifier"]["version"]["handoff-orchestrator"],
            ours["run"], ours["head"], ours["verdict"], ours["policyFrom"],
            ours["reportDigest"]["sha256"], ours["base"] or "",
        ]  # fmt: skip
        whole = all(isinstance(text, str) for text in texts)
        whole = whole and all(isinstance(each["outcome"], str) for each in ours["checks"])
        return None if whole and isinstance(ours["plugins"], dict) else "a part of it is no text"
    except (KeyError, IndexError, TypeError) as error:
        return f"a part of the summary is missing: {error}"


def signing_key(repository: Repository, given: str | None) -> Path | None:
    """The key to sign with: the one that was named, else ``evidence.sign_with``, or None.

    ``git`` is the key git signs commits with. Raises ``CannotSign``.
    """
    name = given or _configured(repository)
    if name is None:
        return None
    if name == "git":
        git = Git(repository.main)
        name = git.run("config", "user.signingKey", check=False).stdout.decode().strip()
        kind = git.run("config", "gpg.format", check=False).stdout.decode().strip()
        if kind != "ssh" or not name:
            hint = "git config gpg.format ssh && git config user.signingKey ~/.ssh/id_ed25519.pub"
            raise CannotSign("git does not sign with an SSH key here", hint=hint)
    key = Path(name).expanduser()
    if not key.is_file():
        raise CannotSign(f"there is no key {name}", hint="name a key: --sign ~/.ssh/id_ed25519")
    return key


def _configured(repository: Repository) -> str | None:
    try:
        return in_force(repository).evidence.sign_with
    except OrchestrateError:
        return None
