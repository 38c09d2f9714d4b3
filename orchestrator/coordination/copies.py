"""A copy of the log of decisions as a file: written, read and checked, taken into the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.coordination import texts
from orchestrator.coordination.decisions import LISTS, to_json
from orchestrator.coordination.merging import ID, key, made_up, merge
from orchestrator.coordination.vocabulary import word
from orchestrator.errors import OrchestrateError
from orchestrator.store.port import NewEvent, Reader, Row, Transaction
from orchestrator.store.tables import INTEGERS, TABLES

__all__ = ["Taken", "UnreadableCopy", "copy_of", "parse", "take_in"]

Json = dict[str, Any]
_COLUMNS = (*TABLES["decisions"].key, *TABLES["decisions"].columns)
_NEEDED = ("id", "title", "status", "created_at", "version")


class UnreadableCopy(OrchestrateError):
    """This is no copy of a log of decisions; nothing was merged.

    A copy is what ``orchestrate decision export --json`` prints. The message
    says at which place it cannot be read.
    """

    code = "E386"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a merge did, by ids as they are now. ``renumbered``: old id here → new.

    Of a changed decision the event keeps what stood here before.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    renumbered: Mapping[str, str]


def copy_of(reader: Reader) -> list[Json]:
    """Every decision, also the archived, with its opinions."""
    said: dict[str, list[Row]] = {}
    for opinion in reader.find("opinions"):
        said.setdefault(opinion["decision"], []).append(opinion)
    rows = [to_json(row, said.get(row["id"], ())) for row in reader.find("decisions")]
    return [{**row, "origin": row["origin"] or made_up(row)} for row in rows]


def parse(text: str, where: str) -> list[Json]:
    """The decisions of a file. Raises ``UnreadableCopy`` with the place."""
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise UnreadableCopy("it is nested too deeply", where=where) from error
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}:{error.colno}"
        raise UnreadableCopy(f"it is not JSON: {error.msg}", where=place) from error
    except ValueError as error:
        raise UnreadableCopy(f"it is not JSON: {error}", where=where) from error
    if not isinstance(value, list):
        raise UnreadableCopy("it is no list of decisions", where=where)
    found = [_checked(item, f"{where}[{place}]") for place, item in enumerate(value)]
    if len({item["id"] for item in found}) != len(found):
        raise UnreadableCopy("it has an id twice", where=where)
    return found


def _checked(item: Any, where: str) -> Json:
    """One decision with every column, of the right type."""
    if not isinstance(item, dict):
        raise UnreadableCopy("it is no object", where=where)
    if lacking := [name for name in _NEEDED if item.get(name) is None]:
        raise UnreadableCopy(f"it lacks {', '.join(lacking)}", where=where)
    try:
        found = {name: _value(name, item.get(name)) for name in _COLUMNS}
        found["opinions"] = [_opinion(o) for o in item.get("opinions") or ()]
        _words(found)
    except (TypeError, ValueError, AttributeError) as error:
        raise UnreadableCopy(str(error), where=where) from error
    except OrchestrateError as error:
        raise UnreadableCopy(error.message, where=where, hint=error.hint) from error
    return found


def _value(name: str, value: Any) -> Any:
    if name in LISTS:
        return _list(name, value or [])
    if name == "data":
        return dict(value or {})
    if name == "archived":
        return bool(value)
    wanted = int if name in INTEGERS else str
    wrong = not isinstance(value, wanted) or isinstance(value, bool)
    if value is not None and (wrong or (wanted is int and not 0 <= value < 2**53)):
        raise ValueError(f"{name} cannot be {value!r:.60}")
    return texts.body(value, name) if isinstance(value, str) else value


def _list(name: str, value: Any) -> list[Any]:
    kind = dict if name == "options" else str
    if not isinstance(value, list) or not all(isinstance(entry, kind) for entry in value):
        raise ValueError(f"{name} cannot be {value!r:.60}")
    texts.body(json.dumps(value), name)
    return value


def _words(found: Json) -> None:
    for kind in ("status", "category", "scope"):
        if found[kind] is not None:
            word(kind, found[kind])
    born = (found["origin"] or f":{found['id']}").rpartition(":")
    if not (ID.fullmatch(found["id"]) and ID.fullmatch(born[2])):
        raise ValueError(f"{found['id']!r:.60} is no id of a decision")
    if found["origin"] and not born[0]:
        raise ValueError("its origin is empty")


def _opinion(value: Mapping[str, Any]) -> Json:
    found = {name: value.get(name) for name in ("instance", "kind", "body", "at")}
    if found["kind"] not in ("input", "objection") or not isinstance(found["at"], int):
        raise ValueError(f"an opinion cannot be {value!r:.60}")
    for name in ("instance", "body"):
        texts.body(str(found[name] or ""), name)
    return {**found, "instance": str(found["instance"]), "body": str(found["body"])}


def take_in(tx: Transaction, foreign: list[Json], *, actor: str) -> Taken:
    """Merge another copy into the store, as one change with one event."""
    mine = copy_of(tx)
    merged = merge(mine, foreign)
    before = {key(record["origin"]): record for record in mine}
    after = {key(record["origin"]): record for record in merged}
    taken = _difference(before, after)
    moved = {name: after[name] for name in after if before.get(name) != after[name]}
    if not moved:
        return taken
    for name in moved.keys() & before.keys():
        tx.delete("decisions", {"id": before[name]["id"]})
        tx.delete("opinions", {"decision": before[name]["id"]})
    for record in moved.values():
        _insert(tx, record)
    told = {"added": taken.added, "changed": taken.changed, "renumbered": dict(taken.renumbered)}
    replaced = [r for name, r in before.items() if after[name]["id"] in taken.changed]
    tx.record(NewEvent("decision.merge", actor, data={**told, "before": replaced}))
    return taken


def _difference(before: Mapping[str, Json], after: Mapping[str, Json]) -> Taken:
    both = {name: (before[name], after[name]) for name in before}
    return Taken(
        added=tuple(r["id"] for name, r in after.items() if name not in before),
        changed=tuple(n["id"] for o, n in both.values() if _content(o) != _content(n)),
        renumbered={o["id"]: n["id"] for o, n in both.values() if o["id"] != n["id"]},
    )


def _content(record: Json) -> Json:
    """A decision without what renumbering may change."""
    moving = ("id", "origin", "superseded_by", "dependencies")
    return {name: value for name, value in record.items() if name not in moving}


def _insert(tx: Transaction, record: Json) -> None:
    row = {name: record[name] for name in _COLUMNS}
    row |= {name: json.dumps(record[name]) for name in (*LISTS, "data")}
    tx.insert("decisions", {**row, "archived": int(record["archived"])})
    for opinion in record["opinions"]:
        tx.insert("opinions", {"decision": record["id"], **opinion})
