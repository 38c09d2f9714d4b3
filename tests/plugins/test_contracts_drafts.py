"""Each draft of JSON Schema with its own meaning of every keyword, by an independent library."""

from __future__ import annotations

import itertools
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.plugins.builtin.contracts import modes, schemas
from orchestrator.plugins.builtin.contracts.dialects import dialect_of
from orchestrator.plugins.builtin.contracts.json_schema import Loaded, compare
from orchestrator.plugins.builtin.contracts.kinds import Asked, Undecided
from orchestrator.plugins.builtin.contracts.normal import Source, Unmodelled, normalise
from orchestrator.plugins.spec import CheckContext, Finding
from orchestrator.testing import plugins as harness

Schema = Any  # a JSON value

VALIDATORS: dict[int, tuple[str, Any]] = {
    4: ("http://json-schema.org/draft-04/schema#", jsonschema.Draft4Validator),
    6: ("http://json-schema.org/draft-06/schema#", jsonschema.Draft6Validator),
    7: ("http://json-schema.org/draft-07/schema#", jsonschema.Draft7Validator),
    19: ("https://json-schema.org/draft/2019-09/schema", jsonschema.Draft201909Validator),
    20: ("https://json-schema.org/draft/2020-12/schema", jsonschema.Draft202012Validator),
}

#: Schemas whose meaning differs between drafts, or that older drafts do not know.
TELLING: list[Schema] = [
    {"const": 1},
    {"minimum": 3, "exclusiveMinimum": True},
    {"exclusiveMinimum": 3},
    {"contains": {"enum": [1]}},
    {"contains": {"enum": [1]}, "minContains": 2},
    {"contains": {"enum": [1]}, "maxContains": 1},
    {"contains": False},
    {"propertyNames": {"maxLength": 1}},
    {"if": {"type": "string"}, "then": {"minLength": 2}},
    {"if": {"type": "string"}, "else": False},
    {"items": [{"type": "string"}]},
    {"items": [{"type": "string"}], "additionalItems": False},
    {"items": {"type": "string"}, "additionalItems": False},
    {"additionalItems": False},
    {"prefixItems": [{"type": "string"}]},
    {"prefixItems": [{"type": "string"}], "items": False},
    {"dependencies": {"a": ["b"]}},
    {"dependencies": {"a": {"required": ["c"]}}},
    {"dependentRequired": {"a": ["b"]}},
    {"dependentSchemas": {"a": {"required": ["c"]}}},
    {"unevaluatedProperties": False, "allOf": [{"properties": {"a": {}}}]},
    {"unevaluatedItems": False, "items": [{}]},
    {"unevaluatedItems": False, "prefixItems": [{}]},
    {
        "definitions": {"s": {"type": "string"}},
        "properties": {"a": {"$ref": "#/definitions/s", "maxLength": 1}},
    },
    {"$ref": "#/definitions/s", "definitions": {"s": {"type": "string"}}, "minLength": 3},
    {"properties": {"a": {"$recursiveRef": "#"}}, "additionalProperties": False},
    {
        "additionalProperties": False,
        "properties": {"a": {"$dynamicRef": "#x"}},
        "$dynamicAnchor": "x",
    },
    {
        "$id": "http://x.example/y.json",
        "properties": {
            "a": {"$ref": "http://x.example/y.json#/properties/b"},
            "b": {"type": "string"},
        },
    },
    {"enum": [1.0, "a"]},
    {"uniqueItems": True, "minItems": 1},
    {"properties": {"a": False}},
    {"nullable": True, "type": "string"},
    {"disallow": ["string"], "divisibleBy": 2},
]

VALUES: list[Any] = [
    0, 1, 3, 4, 1.5, "a", "ab", "abc", None, True, [], [1], [1, 1], [1, 2], ["a"], ["a", 1],
    ["a", "b"], {}, {"a": 1}, {"a": "x"}, {"a": "xx"}, {"a": 1, "b": 2}, {"b": 1}, {"a": {}},
    {"a": {"a": {}}}, {"a": {"b": 1}}, {"c": 1, "a": "x"}, {"ab": 1},
]  # fmt: skip


def source(schema: Schema, draft: int) -> Source:
    document = {**schema, "$schema": VALIDATORS[draft][0]}
    return Source(document, "contracts/a.json", lambda path: None, dialect_of(document))


@pytest.mark.parametrize("draft", VALIDATORS)
def test_a_keyword_means_what_its_draft_says(draft: int) -> None:
    judged = 0
    for schema in TELLING:
        one = source(schema, draft)
        if schemas.invalid(one.document, draft):
            continue
        validator = VALIDATORS[draft][1](one.document)
        try:
            admits = schemas.admits(normalise(one))
        except Unmodelled:
            continue
        for value in VALUES:
            try:
                expected = validator.is_valid(value)
            except Exception:  # a far reference the library would fetch
                break
            assert admits(value) is expected, (schema, value)
            judged += 1
    assert judged > 600


def test_what_dynamic_references_mean_is_modelled_only_where_it_is_certain() -> None:
    plain: Schema = {"$dynamicRef": "#x", "$defs": {"x": {"$dynamicAnchor": "x", "type": "object"}}}
    assert schemas.admits(normalise(source(plain, 20)))({}) is True
    twice = {**plain, "$defs": {**plain["$defs"], "y": {"$dynamicAnchor": "x"}}}
    with pytest.raises(Unmodelled, match="dynamicRef"):
        normalise(source(twice, 20))


#: Old and new, per draft in its own words; what is lost.
PAIRS: dict[str, dict[int, tuple[Schema, Schema]]] = {
    "exclusive bound": {
        4: ({"minimum": 3}, {"minimum": 3, "exclusiveMinimum": True}),
        **{d: ({"minimum": 3}, {"exclusiveMinimum": 3}) for d in (6, 7, 19, 20)},
    },
    "tuple": {
        **{
            d: (
                {"items": [{"enum": [1, 2]}], "additionalItems": False},
                {"items": [{"enum": [1]}], "additionalItems": False},
            )
            for d in (4, 6, 7, 19)
        },
        20: (
            {"prefixItems": [{"enum": [1, 2]}], "items": False},
            {"prefixItems": [{"enum": [1]}], "items": False},
        ),
    },
    "dependency": {
        **{d: ({"properties": {"a": {}, "b": {}}},
               {"properties": {"a": {}, "b": {}}, "dependencies": {"a": ["b"]}})
           for d in (4, 6, 7)},
        **{d: ({"properties": {"a": {}, "b": {}}},
               {"properties": {"a": {}, "b": {}}, "dependentRequired": {"a": ["b"]}})
           for d in (19, 20)},
    },
    "condition": {
        d: (
            {"properties": {"k": {"enum": ["a", "b"]}, "n": {"type": "integer"}}},
            {
                "properties": {"k": {"enum": ["a", "b"]}, "n": {"type": "integer"}},
                "if": {"properties": {"k": {"const": "a"}}, "required": ["k"]},
                "then": {"required": ["n"]},
            },
        )
        for d in (7, 19, 20)
    },
    "constant": {d: ({"enum": ["x", "y"]}, {"const": "x"}) for d in (6, 7, 19, 20)},
    "unevaluated": {
        d: (
            {"allOf": [{"properties": {"a": {}}}], "properties": {"b": {}}},
            {"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False},
        )
        for d in (19, 20)
    },
}  # fmt: skip

CASES = [(name, draft) for name, by_draft in PAIRS.items() for draft in by_draft]


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> CheckContext:
    folder = tmp_path_factory.mktemp("drafts")
    return harness.context(folder, folder / "scratch")


def found(
    old: Schema, new: Schema, drafts: tuple[int, int], where: CheckContext, model: str = "closed"
) -> list[Finding | Undecided]:
    contract = {"name": "c", "path": "contracts/a.json", "content_model": model}
    before, after = (Loaded(source(s, d)) for s, d in zip((old, new), drafts, strict=True))
    return list(compare(before, after, Asked(modes.MUST_NOT_SHRINK, contract, where)))


def valid(schema: Schema, draft: int, value: Any) -> bool:
    return bool(VALIDATORS[draft][1]({**schema, "$schema": VALIDATORS[draft][0]}).is_valid(value))


@pytest.mark.parametrize(("name", "draft"), CASES)
def test_a_break_is_found_in_every_draft_and_its_reverse_is_none(
    name: str, draft: int, where: CheckContext
) -> None:
    old, new = PAIRS[name][draft]
    lost = found(old, new, (draft, draft), where)
    assert lost
    for finding in lost:
        assert isinstance(finding, Finding)
        value = finding.evidence["counterexample"]
        assert valid(old, draft, value)
        assert not valid(new, draft, value)
    assert found(new, old, (draft, draft), where) == []


def test_versions_may_be_of_different_drafts(where: CheckContext) -> None:
    for one, other in itertools.permutations(VALIDATORS, 2):
        old, new = (EXCLUSIVE if d == 4 else {"exclusiveMinimum": 3} for d in (one, other))
        assert found(old, new, (one, other), where) == []


EXCLUSIVE: Schema = {"minimum": 3, "exclusiveMinimum": True}

PARTS: st.SearchStrategy[Schema] = st.one_of(
    st.sampled_from([
        {"type": "integer"}, {"type": ["string", "null"]}, {"enum": ["x", 1, None]}, {},
        {"type": "string", "minLength": 2}, {"type": "string", "pattern": "^[a-c]+$"},
        {"type": "integer", "minimum": 1, "maximum": 4}, {"not": {"type": "string"}},
        {"type": "array", "items": {"type": "integer"}, "maxItems": 2},
        {"type": "array", "uniqueItems": True}, {"type": "object", "maxProperties": 1},
        {"oneOf": [{"type": "integer"}, {"enum": [1, "x"]}]},
    ]),
)  # fmt: skip
WHOLE: st.SearchStrategy[Schema] = st.builds(
    lambda parts, needed, others: {
        "type": "object", "properties": parts,
        **({"required": sorted(needed)} if needed else {}),
        **({} if others is None else {"additionalProperties": others}),
    },
    st.dictionaries(st.sampled_from("abc"), PARTS, max_size=3),
    st.sets(st.sampled_from("abcd"), max_size=2),
    st.sampled_from([None, False, {"type": "integer"}]),
)  # fmt: skip
ANY = st.one_of(PARTS, WHOLE)
QUICK = settings(
    max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


@QUICK
@given(ANY, ANY, st.sampled_from(list(VALIDATORS)), st.sampled_from(["closed", "open"]))
def test_what_is_called_a_break_really_is_one(
    where: CheckContext, old: Schema, new: Schema, draft: int, model: str
) -> None:
    for finding in found(old, new, (draft, draft), where, model):
        if isinstance(finding, Finding):
            value = finding.evidence["counterexample"]
            assert valid(old, draft, value)
            assert not valid(new, draft, value)


@QUICK
@given(ANY, st.sampled_from(list(VALIDATORS)), st.sampled_from(["closed", "open"]))
def test_every_schema_is_compatible_with_itself(
    where: CheckContext, schema: Schema, draft: int, model: str
) -> None:
    same = {**json.loads(json.dumps(schema)), "title": "the same, said again"}
    assert found(schema, same, (draft, draft), where, model) == []
