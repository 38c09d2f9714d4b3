"""Contracts of kind ``graphql``: a schema language document, or a folder of them.

The reference implementation says what breaks operations written for the other
version, and what may surprise them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.plugins.builtin.contracts import modes
from orchestrator.plugins.builtin.contracts.documents import Unreadable, decoded
from orchestrator.plugins.builtin.contracts.graphql_queries import query, valid
from orchestrator.plugins.builtin.contracts.json_schema import absent
from orchestrator.plugins.builtin.contracts.kinds import Asked, Missing, Undecided, Unusable
from orchestrator.plugins.builtin.contracts.versions import Version
from orchestrator.plugins.builtin.contracts.wording import going_back
from orchestrator.plugins.spec import CheckContext, Finding, Json, Severity

__all__ = ["HAS_DIRECTION", "Loaded", "about", "compare", "load", "violations"]

HAS_DIRECTION = False

_ENDINGS = (".graphql", ".graphqls", ".gql")
#: Beginnings of a rule → what to do about it; the first that fits.
_REMEDIES = (
    ("type-added", "make sure that clients take types they do not know"),
    ("type-removed", "keep the type, marked @deprecated, until nobody asks for it any more"),
    ("type", "keep the kind of the type; add a new type beside it"),
    ("field-removed", "keep the field, marked @deprecated, until nobody asks for it any more"),
    ("field", "keep the type of the field; add a new field beside it"),
    ("arg-removed", "keep the argument, even if it is ignored"),
    ("arg", "keep the argument as it was; add a new one beside it"),
    ("required", "give it a default, or let it be null"),
    ("value-removed", "keep the value until nobody sends it any more"),
    ("value-added", "make sure that clients take values they do not know"),
    ("optional", "make sure that nothing depends on its absence"),
    ("directive", "keep the directive until no document uses it any more"),
)


@dataclass(frozen=True)
class Loaded:
    """A schema of one version: the library's (``Any``: optional), and its texts by file."""

    schema: Any
    texts: Mapping[str, str]


def load(version: Version, contract: Mapping[str, Json], context: CheckContext) -> Loaded:
    """The schema; raises ``Absent``, ``Unreadable``, ``Missing``, ``Unusable``."""
    del context
    names = [n for n in version.tree.below(version.path)
             if n == version.path or n.endswith(_ENDINGS)]  # fmt: skip
    contents = version.tree.contents(names)
    if not contents:
        raise absent(contract)
    try:
        import graphql
        from graphql.validation.validate import validate_sdl
    except ImportError as error:
        raise Missing("graphql-core, which reads GraphQL schemas,") from error
    texts = {name: decoded(content) for name, content in contents.items()}
    try:
        documents = [graphql.parse(graphql.Source(text, name)) for name, text in texts.items()]
        whole = graphql.concat_ast(documents)
        problems = validate_sdl(whole)
        if not problems:
            schema = graphql.build_ast_schema(whole, assume_valid_sdl=True)
            problems = graphql.validate_schema(schema)
    except graphql.GraphQLError as error:
        problems = [error]
    except RecursionError as error:
        raise Unreadable("it is nested too deeply") from error
    if problems:
        raise Unusable(*(_invalid(problem, version.path) for problem in problems[:20]))
    return Loaded(schema, texts)


def about(loaded: Loaded) -> dict[str, Json]:
    """How many types there are, and what is not compared."""
    own = [name for name in loaded.schema.type_map if not name.startswith("__")]
    return {"types": len(own), "not_examined": ["descriptions", "what resolvers do",
                                                "limits of depth and cost"]}  # fmt: skip


def violations(loaded: Loaded, payload: Json) -> None:
    """A schema of operations has no samples."""
    del loaded, payload


def compare(old: Loaded, new: Loaded, asked: Asked) -> Iterator[Finding | Undecided]:
    """What operations written for the one meet in the other; for ``forward`` the other way."""
    from graphql.utilities import find_breaking_changes, find_dangerous_changes

    backward = asked.demand == modes.MUST_NOT_SHRINK
    before, after = (old, new) if backward else (new, old)
    found = [
        *((change, Severity.BREAKING) for change in
          find_breaking_changes(before.schema, after.schema)),
        *((change, Severity.DANGEROUS) for change in
          find_dangerous_changes(before.schema, after.schema)),
    ]  # fmt: skip
    for change, severity in found:
        if _is_unused_scalar(change):
            continue
        finding = _finding(change, severity, before, after, new)
        yield finding if backward else going_back(finding)


def _is_unused_scalar(change: Any) -> bool:
    """Whether a built-in scalar is only used nowhere any more: what used it is told itself."""
    import graphql

    names = re.findall(r"\w+", change.description)
    return change.type.name == "TYPE_REMOVED" and any(
        name in graphql.specified_scalar_types for name in names
    )


def _finding(
    change: Any, severity: Severity, before: Loaded, after: Loaded, new: Loaded
) -> Finding:
    rule = change.type.name.lower().replace("_", "-")
    remedy = next((text for start, text in _REMEDIES if rule.startswith(start)), None)
    coordinate = _coordinate(change.description, rule, before, after)
    file, line = _place(coordinate, new)
    evidence: dict[str, Json] = {"path": coordinate}
    if severity is Severity.BREAKING:
        evidence |= _shown(change.description, coordinate, before, after)
    return Finding(
        rule=f"graphql.{rule}",
        severity=severity,
        message=change.description.rstrip("."),
        file=file,
        line=line,
        remedy=remedy or "keep what clients rely on",
        evidence=evidence,
    )


def _shown(description: str, coordinate: str, before: Loaded, after: Loaded) -> dict[str, Json]:
    """The operation that shows a break, with why: it is refused, or answered with another type."""
    shown = query(before.schema, after.schema, coordinate)
    changed = re.search(r"changed type from (\S+) to (\S+)", description)
    asked = next(valid(before.schema, coordinate), None)
    told = shown is not None and coordinate.rpartition(".")[2] in shown.refused
    if changed and asked and not told and _is_output(coordinate, before):
        promised, now = (kind.rstrip(".") for kind in changed.groups())
        because = f"{coordinate} is answered with {now}; {promised} was promised"
        return {"counterexample": asked, "refused_because": because}
    return {"counterexample": shown.text, "refused_because": shown.refused} if shown else {}


def _is_output(coordinate: str, loaded: Loaded) -> bool:
    import graphql

    owner = loaded.schema.type_map.get(coordinate.partition(".")[0])
    return graphql.is_object_type(owner) or graphql.is_interface_type(owner)


def _coordinate(description: str, rule: str, *schemas: Loaded) -> str:
    """The ``Type.member`` a description speaks of, or an empty text."""
    words = re.findall(r"[A-Za-z_@][A-Za-z0-9_.@]*", description)
    names = [name for word in words if _is_name(name := word.rstrip("."), *schemas)]
    if rule in ("type-removed-from-union", "type-added-to-union") and len(names) > 1:
        return f"{names[-1]}.{names[0]}"
    return names[0] if names else ""


def _is_name(name: str, *schemas: Loaded) -> bool:
    first = name.lstrip("@").partition(".")[0]
    return any(
        first in loaded.schema.type_map or loaded.schema.get_directive(first) for loaded in schemas
    )


def _place(coordinate: str, new: Loaded) -> tuple[str | None, int | None]:
    """The file and line of a name in the candidate: of the member, else of its type."""
    first, _, member = coordinate.lstrip("@").partition(".")
    owner = new.schema.type_map.get(first)
    inner = None
    for container in ("fields", "values"):
        inner = inner or (getattr(owner, container, None) or {}).get(member.partition(".")[0])
    for thing in (inner, owner):
        node = getattr(thing, "ast_node", None)
        if node is not None and node.loc is not None:
            return node.loc.source.name, node.loc.start_token.line
    return next(iter(new.texts), None), None


def _invalid(error: Any, path: str) -> Finding:  # Any: the library's error
    at = error.locations[0].line if error.locations else None
    file = error.source.name if error.source else path
    return Finding(
        rule="graphql.invalid",
        severity=Severity.BREAKING,
        message=f"this is no GraphQL schema: {error.message}",
        file=file,
        line=at,
        remedy="mend the document",
    )
