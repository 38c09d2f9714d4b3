"""Two versions of a schema: who admits what, and an example that proves it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.plugins.builtin.contracts.compare import Comparison, compare
from orchestrator.plugins.builtin.contracts.dialects import OPENAPI_30, dialect_of
from orchestrator.plugins.builtin.contracts.instances import instances
from orchestrator.plugins.builtin.contracts.normal import Source, Unmodelled, normalise
from orchestrator.plugins.builtin.contracts.pair import Pair
from orchestrator.plugins.builtin.contracts.schemas import Answer

Schema = Any  # a JSON value

OBJECT: Schema = {"type": "object"}


def source(schema: Schema, files: dict[str, bytes] | None = None) -> Source:
    return Source(schema, "contracts/a.json", (files or {}).get, dialect_of(schema))


def pair(old: Schema, new: Schema, content_model: str = "closed") -> Pair:
    return Pair(normalise(source(old)), normalise(source(new)), content_model=content_model)


def judged(old: Schema, new: Schema, content_model: str = "closed") -> Comparison:
    return compare(pair(old, new, content_model))


def properties(**parts: Schema) -> Schema:
    return {"type": "object", "properties": parts}


def tree(values: list[Any], reference: str = "#/$defs/node") -> Schema:
    node = properties(value={"enum": values}, kids={"type": "array", "items": {"$ref": reference}})
    return node if reference == "#" else {"$ref": reference, "$defs": {"node": node}}


def text(**limits: Any) -> Schema:
    return {"type": "string", **limits}


def whole(**limits: Any) -> Schema:
    return {"type": "integer", **limits}


def listed(**limits: Any) -> Schema:
    return {"type": "array", **limits}


def chain(values: list[Any], **more: Schema) -> Schema:
    after = {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]}
    node = properties(value={"enum": values}, next=after, **more)
    return {"$ref": "#/$defs/node", "$defs": {"node": node}}


BREAKING: dict[str, tuple[Schema, Schema, str]] = {
    "enum member lost": ({"enum": ["a", "b"]}, {"enum": ["a"]}, "values $ ('b',)"),
    "enum of one type": ({"type": "string"}, {"enum": ["a"]}, "bound $ ()"),
    "constant changed": (properties(k={"const": 1}), properties(k={"const": 2}), "values $.k (1,)"),
    "required added": (
        properties(a={"type": "string"}),
        {**properties(a={"type": "string"}), "required": ["a"]},
        "required $ ('a',)",
    ),
    "new property required": (properties(a={}), {**OBJECT, "required": ["b"]}, "required $ ('b',)"),
    "type narrowed": ({"type": ["string", "null"]}, {"type": "string"}, "types $ ('null',)"),
    "number to integer": ({"type": "number"}, {"type": "integer"}, "types $ ('number',)"),
    "minimum raised": (
        properties(n={"type": "integer", "minimum": 0}),
        properties(n={"type": "integer", "minimum": 5}),
        "bound $.n ()",
    ),
    "maximum lowered": (whole(maximum=9.5), whole(maximum=8), "bound $ ()"),
    "exclusive bound": (whole(minimum=3), whole(exclusiveMinimum=3), "bound $ ()"),
    "longer text": (text(), text(minLength=3), "bound $ ()"),
    "shorter text": (text(maxLength=30), text(maxLength=20), "bound $ ()"),
    "pattern": (
        {"type": "string", "pattern": "^[a-z]+$"},
        {"type": "string", "pattern": "^[a-c]+$"},
        "pattern $ ()",
    ),
    "multiple": (whole(multipleOf=2), whole(multipleOf=4), "bound $ ()"),
    "property refused": (
        properties(a={}, b={"type": "integer"}),
        {**properties(a={}), "additionalProperties": False},
        "refused $ ('b',)",
    ),
    "map narrowed": (
        {**OBJECT, "additionalProperties": {"type": "integer"}},
        {**OBJECT, "additionalProperties": {"type": "integer", "minimum": 1}},
        "bound $.* ()",
    ),
    "items": (
        {"type": "array", "items": properties(s={"enum": ["x", "y"]})},
        {"type": "array", "items": properties(s={"enum": ["x"]})},
        "values $[*].s ('y',)",
    ),
    "tuple": (
        {"type": "array", "prefixItems": [{"type": "string"}, {"enum": [1, 2]}]},
        {"type": "array", "prefixItems": [{"type": "string"}, {"enum": [1]}]},
        "values $[1] (2,)",
    ),
    "items by reference": (
        {**listed(items={"$ref": "#/$defs/u"}), "$defs": {"u": properties(r={"enum": ["a", "b"]})}},
        {**listed(items={"$ref": "#/$defs/u"}), "$defs": {"u": properties(r={"enum": ["a"]})}},
        "values $[*].r ('b',)",
    ),
    "map by reference": (
        {**OBJECT, "additionalProperties": {"$ref": "#/$defs/u"}, "$defs": {"u": {"enum": [1, 2]}}},
        {**OBJECT, "additionalProperties": {"$ref": "#/$defs/u"}, "$defs": {"u": {"enum": [1]}}},
        "values $.* (2,)",
    ),
    "fewer items": (listed(maxItems=3), listed(maxItems=2), "bound $ ()"),
    "unique": (listed(), listed(uniqueItems=True), "bound $ ()"),
    "branch removed": (
        {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        {"type": "string"},
        "types $ ('integer',)",
    ),
    "tagged union": (
        {"oneOf": [properties(k={"const": "a"}) | {"required": ["k"]},
                   properties(k={"const": "b"}, n={"type": "integer"}) | {"required": ["k", "n"]}]},
        properties(k={"const": "a"}) | {"required": ["k"]},
        "values $.k ('b',)",
    ),
    "through a reference": (
        {**properties(p={"$ref": "#/$defs/p"}), "$defs": {"p": {"enum": ["q", "w"]}}},
        {**properties(p={"$ref": "#/$defs/p"}), "$defs": {"p": {"enum": ["q"]}}},
        "values $.p ('w',)",
    ),
    "through allOf": (
        {"allOf": [{**OBJECT, "required": ["id"]}, properties(x={"type": "integer"})]},
        {"allOf": [{**OBJECT, "required": ["id"]}, properties(x=whole(maximum=3))]},
        "bound $.x ()",
    ),
    "recursive": (tree([1, 2]), tree([1]), "values $.value (2,)"),
    "recursive at the root": (tree([1, 2], "#"), tree([1], "#"), "values $.value (2,)"),
    "recursive beside null": (
        chain([1, 2]),
        chain([1]),
        "values $.value (2,)",
    ),
    "condition": (
        {"if": properties(k={"const": 1}), "then": {"required": ["z"]}, **properties(k={})},
        {**properties(k={}), "required": ["z"]},
        "required $ ('z',)",
    ),
    "dependency": (
        properties(a={}, b={}),
        {**properties(a={}, b={}), "dependentRequired": {"a": ["b"]}},
        "",
    ),
    "nothing is admitted any more": ({"type": "string"}, False, ""),
    "older draft": (
        {"$schema": "http://json-schema.org/draft-04/schema#", "type": "integer", "minimum": 3},
        {"$schema": "http://json-schema.org/draft-04/schema#", "type": "integer", "minimum": 3,
         "exclusiveMinimum": True},
        "bound $ ()",
    ),
    "across drafts": (
        {"$schema": "http://json-schema.org/draft-07/schema#",
         "definitions": {"c": {"enum": ["a", "b"]}}, **properties(c={"$ref": "#/definitions/c"})},
        properties(c={"enum": ["b"]}),
        "values $.c ('a',)",
    ),
}  # fmt: skip

COMPATIBLE: dict[str, tuple[Schema, Schema]] = {
    "same": (tree([1, 2], "#"), tree([1, 2], "#")),
    "enum member added": ({"enum": ["a"]}, {"enum": ["a", "b"]}),
    "optional property added": (properties(a={}), properties(a={}, b={"type": "string"})),
    "property no longer required": ({**properties(a={}), "required": ["a"]}, properties(a={})),
    "widened type": (properties(a={"type": "integer"}), properties(a={"type": "number"})),
    "recursive, one more value": (tree([1]), tree([1, 2])),
    "recursive at the root": (tree([1], "#"), tree([1, 2], "#")),
    "recursive beside null": (chain([1]), chain([1, 2])),
    "recursive beside null, optional property added": (chain([1]), chain([1], more={})),
    "const to enum": ({"const": "a"}, {"enum": ["a", "b"]}),
    "dialect only": (
        {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]},
        {"prefixItems": [{"type": "string"}]},
    ),
    "moved into a definition": (
        properties(a={"type": "string", "maxLength": 3}),
        {**properties(a={"$ref": "#/$defs/t"}), "$defs": {"t": {"type": "string", "maxLength": 3}}},
    ),
    "annotations": ({"type": "string"}, {"type": "string", "title": "T", "description": "D"}),
}


@pytest.mark.parametrize("name", BREAKING)
def test_what_is_lost_is_found_named_and_proven_by_an_example(name: str) -> None:
    old, new, said = BREAKING[name]
    found = judged(old, new)
    assert found.answer is Answer.NO
    assert found.example is not None
    assert_proves(old, new, found.example.value)
    names = [f"{d.kind} {d.path} {d.names}" for d in found.differences]
    assert not said or said in names, names
    for difference in found.differences:
        assert difference.example is not None
        assert_proves(old, new, difference.example.value)


@pytest.mark.parametrize("name", COMPATIBLE)
def test_what_loses_nothing_is_proven_compatible(name: str) -> None:
    old, new = COMPATIBLE[name]
    assert judged(old, new).answer is Answer.YES


def test_the_lost_set_is_exactly_what_was_lost() -> None:
    found = judged({"enum": ["a", "b", "c"]}, {"enum": ["b"]})
    assert found.lost == {"enum": ["a", "c"]}


def test_an_added_optional_property_breaks_only_the_open_content_model() -> None:
    old, new = properties(a={}), properties(a={}, b={"type": "string"})
    assert judged(old, new, "closed").answer is Answer.YES
    found = judged(old, new, "open")
    assert found.answer is Answer.NO
    assert found.example is not None
    assert_proves(old, new, found.example.value)


def test_closing_leaves_maps_and_explicitly_open_objects_alone() -> None:
    for more in ({"additionalProperties": True}, {"additionalProperties": {"type": "integer"}}):
        old = {**properties(a={}), **more}
        assert judged(old, {**properties(a={}), "additionalProperties": False}).answer is Answer.NO
    assert judged(OBJECT, {**OBJECT, "maxProperties": 2}).answer is Answer.NO


def test_what_cannot_be_decided_is_unknown_and_says_why() -> None:
    narrow = {"type": "string", "pattern": "^(?=.*[0-9])[a-z0-9]{8}$"}
    wide = {"type": "string", "pattern": "^[a-z0-9]{8}$"}
    found = judged(narrow, wide)
    assert found.answer is Answer.UNKNOWN
    assert "proof" in found.reason


def test_very_wide_objects_are_decided_property_by_property() -> None:
    def wide(least: int, *more: str) -> Schema:
        parts = {f"p{number}": whole(minimum=0) for number in range(300)}
        parts["p200"] = whole(minimum=least)
        return {
            "$ref": "#/$defs/w",
            "$defs": {"w": properties(**parts, **{name: {} for name in more})},
        }

    assert judged(wide(1), wide(0, "new")).answer is Answer.YES
    found = judged(wide(0), wide(1))
    assert found.answer is Answer.NO
    assert [(d.path, d.keyword) for d in found.differences] == [("$.p200", "minimum")]


def test_samples_are_tried_as_examples() -> None:
    old = {"type": "string", "pattern": "^(?=.*7)[a-z0-9]{8}$"}
    new = {"type": "string", "pattern": "^(?=.*7)[a-z]{4}[0-9]{4}$"}
    both = Pair(normalise(source(old)), normalise(source(new)), seeds=["abc70def"])
    found = compare(both)
    assert found.example is not None
    assert found.example.value == "abc70def"


def test_references_to_other_files_of_the_repository_are_followed() -> None:
    files = {"contracts/common/money.json": b'{"$defs": {"m": {"enum": ["EUR", "USD"]}}}'}
    old = normalise(source(properties(c={"$ref": "common/money.json#/$defs/m"}), files))
    new = normalise(source(properties(c={"enum": ["EUR"]})))
    found = compare(Pair(old, new))
    assert found.answer is Answer.NO
    assert found.example is not None
    assert found.example.value == {"c": "USD"}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$ref": "https://example.org/x.json"}, "leads out of the repository"),
        ({"$ref": "../../etc/passwd"}, "leads out of the repository"),
        ({"$ref": "other.json"}, "is absent"),
        ({"$ref": "#/$defs/none"}, "leads nowhere"),
        ({"allOf": [{"$ref": "#"}]}, "leads to itself"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "leads to itself"),
        ({"$dynamicRef": "#x", "$defs": {"x": {"$id": "http://x.example/a"}}}, "$dynamicRef"),
    ],
)
def test_what_cannot_be_modelled_is_said(schema: Schema, said: str) -> None:
    with pytest.raises(Unmodelled, match=said.replace("$", r"\$")):
        normalise(source(schema))


def test_the_dialect_of_openapi_3_0_is_rewritten() -> None:
    schema = {"type": "integer", "nullable": True, "minimum": 3, "exclusiveMinimum": True}
    written = normalise(Source(schema, "a.json", lambda path: None, OPENAPI_30))
    assert written["$defs"]["root"] == {"type": ["integer", "null"], "exclusiveMinimum": 3}


def assert_proves(old: Schema, new: Schema, value: Any) -> None:
    """Independently of the library under test: valid before, invalid after."""
    assert valid(old, value), f"{value!r} was not valid before"
    assert not valid(new, value), f"{value!r} is still valid"


def valid(schema: Schema, value: Any) -> bool:
    if isinstance(schema, bool):
        return schema
    kind = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    return bool(kind(schema).is_valid(value))


NAMES = st.sampled_from(["a", "b", "c"])
SCALARS: st.SearchStrategy[Schema] = st.one_of(
    st.builds(lambda values: {"enum": values},
              st.lists(st.sampled_from(["x", "y", 1, 2, None]), min_size=1, unique=True)),
    st.builds(lambda low, high: {"type": "integer", "minimum": low, "maximum": low + high},
              st.integers(-3, 3), st.integers(0, 5)),
    st.builds(lambda least: {"type": "string", "minLength": least}, st.integers(0, 4)),
    st.builds(lambda pattern: {"type": "string", "pattern": pattern},
              st.sampled_from(["^[a-c]+$", "^[a-z]{2,4}$", "x"])),
    st.sampled_from([{"type": "number"}, {"type": ["string", "null"]}, {"type": "boolean"}, {}]),
)  # fmt: skip


def objects(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.builds(
        lambda parts, required, closed: {
            **properties(**parts), "required": sorted(required),
            **({"additionalProperties": False} if closed else {}),
        },
        st.dictionaries(NAMES, inner, max_size=3), st.sets(NAMES, max_size=2), st.booleans(),
    )  # fmt: skip


SCHEMAS: st.SearchStrategy[Schema] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        objects(inner),
        st.builds(lambda item, least: {"type": "array", "items": item, "minItems": least},
                  inner, st.integers(0, 2)),
        st.builds(lambda parts: {"anyOf": parts}, st.lists(inner, min_size=1, max_size=2)),
    ),
    max_leaves=5,
)  # fmt: skip


@settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(SCHEMAS, SCHEMAS, st.sampled_from(["open", "closed"]))
def test_every_example_is_valid_before_and_invalid_after_and_every_proof_holds(
    old: Schema, new: Schema, content_model: str
) -> None:
    both = pair(old, new, content_model)
    found = compare(both)
    if found.example is not None:
        assert found.answer is Answer.NO
        assert_proves(old, new, found.example.value)
    for difference in found.differences:
        assert difference.example is not None
        assert_proves(old, new, difference.example.value)
    if found.answer is Answer.YES:
        for value, _ in zip(instances(both.writer), range(40), strict=False):
            if valid(old, value) and valid(both.writer, value):
                assert valid(new, value), f"{value!r} was lost, and not noticed"


def test_the_same_schemas_always_make_the_same_examples() -> None:
    """Sets are in another order in every process; a report must not be."""
    program = (
        "from orchestrator.plugins.builtin.contracts.instances import instances\n"
        "schema = {'type': 'integer', 'minimum': 1, 'maximum': 100, 'multipleOf': 3}\n"
        "print(list(instances(schema))[:20])\n"
    )
    seen = {
        subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed},
                       capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(seen) == 1
