"""Contracts of kind ``openapi``: a sound document that breaks nobody who calls it today.

Structural rules, and every schema lowered to JSON Schema and compared. What is
not examined is named in the result (``data["not_examined"]``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from orchestrator.plugins.builtin.contracts import modes, oasdiff
from orchestrator.plugins.builtin.contracts.bundle import bundled, origin
from orchestrator.plugins.builtin.contracts.documents import line_of, loads
from orchestrator.plugins.builtin.contracts.json_schema import absent
from orchestrator.plugins.builtin.contracts.kinds import Asked, Undecided, Unusable
from orchestrator.plugins.builtin.contracts.normal import DanglingReference, Unmodelled
from orchestrator.plugins.builtin.contracts.openapi_bodies import bodies
from orchestrator.plugins.builtin.contracts.openapi_calls import refusal
from orchestrator.plugins.builtin.contracts.openapi_model import (
    Malformed,
    Operation,
    schema_places,
)
from orchestrator.plugins.builtin.contracts.openapi_reader import api, not_examined
from orchestrator.plugins.builtin.contracts.openapi_rules import RULES, Change, structural
from orchestrator.plugins.builtin.contracts.openapi_side import Side
from orchestrator.plugins.builtin.contracts.verdict import evidence_of
from orchestrator.plugins.builtin.contracts.versions import Version
from orchestrator.plugins.builtin.contracts.wording import going_back
from orchestrator.plugins.spec import CheckContext, Finding, Json, Severity

__all__ = ["HAS_DIRECTION", "about", "compare", "load", "violations"]

HAS_DIRECTION = False

#: Share of the check's time for the schemas of one comparison; a mode may need two.
_SHARE = 0.4
#: Rule → words of the reason it is about, where a call is refused for several.
_ABOUT = {
    "server-removed": "served",
    "security-tightened": "credentials",
    "body-required": "body",
    "body-removed": "body",
    "media-type-removed": "taken",
}


def load(version: Version, contract: Mapping[str, Json], context: CheckContext) -> Side:
    """The API; raises ``Absent``, ``Unreadable``, or ``Unusable`` where it is not sound."""
    del context
    content = version.tree.read(version.path)
    if content is None:
        raise absent(contract)
    document = bundled(loads(content, version.path), version.path, version.tree.read)
    try:
        side = Side(api(document), version.path, version.tree.read)
    except Malformed as error:
        raise Unusable(_malformed(version.path, content, error)) from error
    except RecursionError as error:
        deep = Malformed("it is nested too deeply")
        raise Unusable(_malformed(version.path, content, deep)) from error
    dangling = list(_dangling(side, content))
    if dangling:
        raise Unusable(*dangling)
    return side


def about(loaded: Side) -> dict[str, Json]:
    """How much of the API there is, and what of it no rule looks at."""
    return {
        "operations": len(loaded.api.operations),
        "not_examined": not_examined(loaded.api.document),
    }


def violations(loaded: Side, payload: Json) -> None:
    """An API has no samples."""
    del loaded, payload


def compare(old: Side, new: Side, asked: Asked) -> Iterator[Finding | Undecided]:
    """What callers of the one miss in the other; for ``forward`` the other way round."""
    if old.api.document == new.api.document:
        return
    backward = asked.demand == modes.MUST_NOT_SHRINK
    before, after = (old, new) if backward else (new, old)
    for found in _changes(before, after, asked):
        if isinstance(found, Undecided):
            yield found
        else:
            yield _here(found if backward else going_back(found), new)
    if backward:
        yield from oasdiff.second_opinion(old.api.document, new.api.document, asked.context)


def _changes(old: Side, new: Side, asked: Asked) -> Iterator[Finding | Undecided]:
    for change in structural(old, new):
        yield _finding(change, old, new)
    within = asked.context.timeout * _SHARE
    yield from bodies(old, new, asked.contract["content_model"], within)


def _finding(change: Change, old: Side, new: Side) -> Finding | Undecided:
    """A structural change; one whose call does not show it is not claimed."""
    evidence: dict[str, Json] = {"operation": change.operation, "pointer": change.place}
    if change.call is not None and change.severity is Severity.BREAKING:
        try:
            accepted = refusal(old, change.call) is None
            shows = accepted and refusal(new, change.call, _about(change))
        except Unmodelled as error:
            return Undecided(change.operation, f"{change.message}; {error}")
        if not shows:
            return Undecided(change.operation, f"{change.message}; no call was found that shows it")
        evidence |= {"refused_because": shows}
    if change.call is not None:
        evidence["counterexample"] = evidence_of(change.call.to_json())
    elif change.reply is not None:
        evidence["counterexample"] = dict(change.reply)
    return Finding(
        rule=f"openapi.{change.rule}",
        severity=change.severity,
        message=f"{change.operation}: {change.message}",
        remedy=RULES[change.rule],
        evidence=evidence,
    )


def _about(change: Change) -> str:
    """What the reason has to name for which a call is refused, see ``refusal``."""
    parameter = re.search(r"\w+ parameter \S+", change.message)
    return parameter.group() if parameter else _ABOUT.get(change.rule, "")


def _here(finding: Finding, side: Side) -> Finding:
    """The finding with its place in the file it really stands in."""
    path, place = origin(str(finding.evidence.get("pointer", "")), side.path)
    more = {"pointer": place}
    if path == side.path:
        return replace(finding, evidence={**finding.evidence, **more})
    return replace(finding, file=path, evidence={**finding.evidence, **more})


def _dangling(side: Side, content: bytes) -> Iterator[Finding]:
    """Schemas of operations that refer to what is not there."""
    said: set[str] = set()
    for operation in side.api.operations.values():
        for place in schema_places(operation):
            try:
                side.schema(place, sent=True)
            except DanglingReference as error:
                if str(error) not in said:
                    said.add(str(error))
                    yield _bad_schema(side.path, operation, error, place, content)
            except Unmodelled:
                continue  # said where it is compared


def _bad_schema(
    path: str, operation: Operation, error: Exception, place: str, content: bytes
) -> Finding:
    file, inner = origin(place, path)
    return Finding(
        rule="openapi.bad-schema",
        severity=Severity.BREAKING,
        message=f"{operation.name}: {error}",
        file=file,
        line=line_of(content, inner) if file == path else None,
        remedy="define what the reference names, or mend the reference",
        evidence={"operation": operation.name, "pointer": inner},
    )


def _malformed(path: str, content: bytes, error: Malformed) -> Finding:
    file, place = origin(error.place, path)
    return Finding(
        rule="openapi.invalid",
        severity=Severity.BREAKING,
        message=f"this is no valid OpenAPI document: {error.message}",
        file=file,
        line=line_of(content, place) if file == path else None,
        remedy="mend the document; OpenAPI 3.0 and 3.1 are understood",
        evidence={"pointer": place},
    )
