"""Contracts of kind ``json-schema``: every draft, compared by what values they admit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from orchestrator.plugins.builtin.contracts import modes, schemas, witness, wording
from orchestrator.plugins.builtin.contracts.compare import compare as compare_schemas
from orchestrator.plugins.builtin.contracts.dialects import dialect_of
from orchestrator.plugins.builtin.contracts.documents import line_of, loads
from orchestrator.plugins.builtin.contracts.kinds import Absent, Asked, Undecided, Unusable
from orchestrator.plugins.builtin.contracts.normal import (
    Source,
    Unmodelled,
    is_self_contained,
    normalise,
)
from orchestrator.plugins.builtin.contracts.pair import Pair
from orchestrator.plugins.builtin.contracts.places import place_of
from orchestrator.plugins.builtin.contracts.schemas import Answer
from orchestrator.plugins.builtin.contracts.versions import Version
from orchestrator.plugins.spec import CheckContext, Finding, Json, Severity

__all__ = ["HAS_DIRECTION", "Loaded", "about", "absent", "compare", "load", "violations"]

HAS_DIRECTION = True


@dataclass(frozen=True)
class Loaded:
    """A schema of one version, valid under its draft."""

    source: Source

    @cached_property
    def normal(self) -> dict[str, Json]:
        """As one document of draft 2020-12; raises ``Unmodelled``."""
        return normalise(self.source)


def load(version: Version, contract: Mapping[str, Json], context: CheckContext) -> Loaded:
    """The schema; raises ``Absent``, ``Unreadable``, or ``Unusable`` for an invalid one."""
    del context
    content = version.tree.read(version.path)
    if content is None:
        raise absent(contract)
    document = loads(content, version.path)
    source = Source(document, version.path, version.tree.read, dialect_of(document))
    wrong = schemas.invalid(document, source.dialect)
    if not isinstance(document, (dict, bool)):
        wrong = wrong or [schemas.Violation("$", "a schema is an object, true or false")]
    if wrong:
        raise Unusable(*(_invalid(version.path, content, violation) for violation in wrong))
    loaded = Loaded(source)
    with contextlib.suppress(Unmodelled):  # said where it is compared
        _ = loaded.normal  # reads the files it refers to
    return loaded


def absent(contract: Mapping[str, Json], what: str = "file") -> Absent:
    """What to raise where a version has no such file (or package)."""
    return Absent(
        Finding(
            rule="contract.absent",
            severity=Severity.BREAKING,
            message=f"the {what} of contract {contract['name']} is absent",
            file=contract["path"],
            remedy="restore it, or take the contract out of the configuration",
        )
    )


def about(loaded: Loaded) -> dict[str, Json]:
    """The draft, and what is in the schema and not compared."""
    drafts = {4: "4", 6: "6", 7: "7", 19: "2019-09", 20: "2020-12"}
    unseen = sorted(schemas.remarks(loaded.source.document))
    return {"draft": drafts[loaded.source.dialect], "not_examined": unseen}


def violations(loaded: Loaded, payload: Json) -> list[tuple[str, str]]:
    """What is wrong with a sample; formats count."""
    try:
        found = schemas.violations(loaded.normal, payload)
    except Unmodelled:
        source = loaded.source
        found = schemas.violations(source.document, payload, dialect=source.dialect)
    return [(violation.path, violation.message) for violation in found]


def compare(old: Loaded, new: Loaded, asked: Asked) -> Iterator[Finding | Undecided]:
    """What the reader of this demand refuses of what its writer may send."""
    same = old.source.document == new.source.document
    if same and is_self_contained(new.source.document):
        return
    writer, reader = (old, new) if asked.demand == modes.MUST_NOT_SHRINK else (new, old)
    try:
        pair = Pair(
            writer.normal,
            reader.normal,
            content_model=asked.contract["content_model"],
            seeds=asked.seeds,
            witness=witness.of(writer.source, reader.source),
        )
    except ValueError as error:
        yield Undecided("", str(error))
        return
    comparison = compare_schemas(pair)
    if comparison.answer is Answer.UNKNOWN:
        yield Undecided(asked.demand, comparison.reason)
        return
    if comparison.answer is Answer.NO:
        situation = wording.LOST if asked.demand == modes.MUST_NOT_SHRINK else wording.GAINED
        yield from wording.findings(
            comparison,
            situation,
            evidence={"content_model": asked.contract["content_model"]},
            place=lambda at: place_of(new.source.document, at),
        )


def _invalid(path: str, content: bytes, violation: schemas.Violation) -> Finding:
    return Finding(
        rule="schema.invalid",
        severity=Severity.BREAKING,
        message=f"the schema is not valid at {violation.path}: {violation.message}",
        file=path,
        line=line_of(content, violation.pointer),
        remedy="mend the schema; the draft is the one $schema names, else 2020-12",
        evidence={"pointer": violation.pointer},
    )
