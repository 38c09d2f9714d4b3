"""GraphQL, Protobuf and Avro: for every rule one change that breaks, and its harmless twin."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import avro.schema
import graphql
import pytest
from avro.io import BinaryDecoder, BinaryEncoder, DatumReader, DatumWriter

from orchestrator.config.model import Config, Contract, Layer
from orchestrator.plugins.builtin import contracts
from orchestrator.plugins.builtin.contracts.protobuf_declarations import declared
from orchestrator.plugins.spec import CheckResult, Outcome, Severity
from orchestrator.testing import plugins as harness
from tests.conftest import MakeRepo, commit, git

PATHS = {"graphql": "api/shop.graphql", "protobuf": "proto", "avro": "events/order.avsc"}
FILES = {**PATHS, "protobuf": "proto/shop/v1/shop.proto"}


def settings(kind: str, **options: Any) -> Config:
    contract = Contract("shop", **{"kind": kind, "path": PATHS[kind], **options})
    layers = {"web": Layer("web", ("web/**",), input="shop")}
    return harness.config(layers=layers, contracts={"shop": contract})


def check(kind: str, repo: Path, base: str | None = None, **options: Any) -> CheckResult:
    chosen = settings(kind, **options)
    [planned] = harness.plan(contracts, chosen, checkout=repo)
    where = harness.context(repo, repo.parent / "scratch", base=base, settings=chosen)
    return harness.execute(contracts, planned, where)


def compared(make_repo: MakeRepo, kind: str, old: str, new: str, **options: Any) -> CheckResult:
    repo = make_repo({FILES[kind]: old})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {FILES[kind]: new})
    return check(kind, repo, base, **options)


GRAPHQL = """
type Query {
  order(id: ID!, lang: Lang): Order
  orders(filter: Filter): [Order!]!
  find(text: String): Result
}
type Order implements Node { id: ID!, total: Int!, note: String, state: State! }
type Item { name: String }
interface Node { id: ID! }
union Result = Order | Item
enum State { OPEN PAID }
enum Lang { EN DE }
input Filter { state: State, least: Int }
directive @cached(seconds: Int) on QUERY
"""

#: Rule → old text, new text that breaks, new text that does not.
GRAPHQL_CASES = {
    "field-removed": ("note: String, ", "", "note: String, more: Int, "),
    "field-changed-kind": ("total: Int!", "total: String!", "total: Int! @deprecated"),
    "type-removed": ("union Result = Order | Item", "scalar Result2", None),
    "type-changed-kind": ("type Item { name: String }", "input Item { name: String }", None),
    "type-removed-from-union": ("Order | Item", "Order", "Order | Item | Query"),
    "value-removed-from-enum": ("EN DE", "EN", "EN DE FR"),
    "required-input-field-added": ("least: Int }", "least: Int, most: Int! }",
                                   "least: Int, most: Int! = 3 }"),
    "implemented-interface-removed": ("Order implements Node {", "Order {", None),
    "required-arg-added": ("orders(filter: Filter)", "orders(filter: Filter, n: Int!)",
                           "orders(filter: Filter, n: Int! = 5)"),
    "arg-removed": ("id: ID!, lang: Lang)", "id: ID!)", "id: ID!, lang: Lang, a: Int)"),
    "arg-changed-kind": ("filter: Filter)", "filter: Filter!)", "filter: Filter = {})"),
    "directive-removed": ("directive @cached(seconds: Int) on QUERY", "", None),
    "directive-arg-removed": ("(seconds: Int) on", " on", "(seconds: Int, a: Int) on"),
    "required-directive-arg-added": ("(seconds: Int)", "(seconds: Int, a: Int!)", None),
    "directive-location-removed": ("on QUERY", "on FIELD", "on QUERY | FIELD"),
}  # fmt: skip


@pytest.mark.parametrize("rule", GRAPHQL_CASES)
def test_graphql_breaks_are_found_with_their_place(make_repo: MakeRepo, rule: str) -> None:
    before, breaking, _ = GRAPHQL_CASES[rule]
    new = GRAPHQL.replace(before, breaking)
    if rule == "type-removed":
        new = new.replace("find(text: String): Result", "find(text: String): Result2")
    if rule == "type-changed-kind":
        new = new.replace("Order | Item", "Order")
    result = compared(make_repo, "graphql", GRAPHQL, new)
    assert result.outcome is Outcome.FAILED
    finding = next(f for f in result.findings if f.rule == f"graphql.{rule}")
    assert (finding.severity, finding.file) == (Severity.BREAKING, PATHS["graphql"])
    assert finding.evidence["consumers"] == ["web"]
    assert finding.remedy
    query = finding.evidence.get("counterexample")
    if query is not None:
        document = graphql.parse(query)
        assert graphql.validate(graphql.build_schema(GRAPHQL), document) == []
        if rule != "field-changed-kind":  # answered, with something else than was promised
            assert graphql.validate(graphql.build_schema(new), document) != []
    if rule in ("field-removed", "value-removed-from-enum", "arg-removed", "required-arg-added",
                "type-removed-from-union", "required-input-field-added",
                "field-changed-kind"):  # fmt: skip
        assert query is not None


def test_each_graphql_break_is_shown_by_an_operation_refused_for_that_very_reason(
    make_repo: MakeRepo,
) -> None:
    new = GRAPHQL.replace("lang: Lang)", "lang: Lang, must: Int!)").replace("EN DE", "EN")
    new = new.replace("total: Int!", "total: Float!").replace("  find(text: String): Result\n", "")
    result = compared(make_repo, "graphql", GRAPHQL, new, compatibility="full")
    breaks = [f for f in result.findings if f.severity is Severity.BREAKING]
    because = {
        finding.evidence["path"]: str(finding.evidence.get("refused_because"))
        for finding in breaks
        if not finding.message.startswith("going back")
    }
    assert "'find'" in because["Query.find"]
    assert because["Order.total"] == "Order.total is answered with Float!; Int! was promised"
    assert "'DE'" in because["Lang.DE"]
    # A scalar the language has is not removed because nothing names it any more.
    assert not [f for f in result.findings if f.evidence["path"] == "Float"]


@pytest.mark.parametrize("rule", [rule for rule, case in GRAPHQL_CASES.items() if case[2]])
def test_the_harmless_twin_of_a_graphql_break_passes(make_repo: MakeRepo, rule: str) -> None:
    before, _, harmless = GRAPHQL_CASES[rule]
    result = compared(make_repo, "graphql", GRAPHQL, GRAPHQL.replace(before, str(harmless)))
    assert result.outcome is Outcome.PASSED, result.reason


def test_what_may_surprise_graphql_clients_is_dangerous(make_repo: MakeRepo) -> None:
    result = compared(make_repo, "graphql", GRAPHQL, GRAPHQL.replace("OPEN PAID", "OPEN PAID SENT"))
    assert result.outcome is Outcome.PASSED
    [finding] = result.findings
    assert (finding.rule, finding.severity) == ("graphql.value-added-to-enum", Severity.DANGEROUS)
    assert finding.line == 11


def test_graphql_documents_of_a_folder_are_one_schema(make_repo: MakeRepo) -> None:
    repo = make_repo({"api/a.graphql": "type Query { a: A }", "api/b.gql": "type A { b: Int }"})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"api/b.gql": "\n\ntype A { c: Int }"})
    result = check("graphql", repo, base, path="api")
    assert [(f.message, f.file, f.line) for f in result.findings] == [
        ("Field A.b was removed", "api/b.gql", 3)
    ]


PROTO = """syntax = "proto3";
package shop.v1;
message Order { string id = 1; int32 total = 2; State state = 3; reserved 9; bytes tag = 4; }
enum State { STATE_UNSPECIFIED = 0; STATE_PAID = 1; STATE_SENT = 2; }
service Shop { rpc Get(Order) returns (Order); rpc List(Order) returns (stream Order); }
"""

#: Rule → old text, new text that breaks; all but the package at once.
PROTO_CASES = {
    "field-no-delete": ("int32 total = 2; ", ""),
    "field-same-type": ("State state = 3", "string state = 3"),
    "field-same-name": ("string id = 1", "string name = 1"),
    "field-same-cardinality": ("bytes tag", "repeated bytes tag"),
    "enum-value-no-delete": (" STATE_PAID = 1;", ""),
    "enum-value-same-name": ("STATE_SENT", "STATE_GONE"),
    "rpc-no-delete": ("rpc Get(Order) returns (Order); ", ""),
    "rpc-same-server-streaming": ("(stream Order)", "(Order)"),
    "reserved-message-no-delete": ("reserved 9; ", ""),
}
#: Additions that break nobody, all at once.
PROTO_SAFE = (
    ("int32 total = 2;", "int32 total = 2; int32 more = 5;"),
    ("STATE_PAID = 1;", "STATE_PAID = 1; STATE_NEW = 3;"),
    ("rpc Get(Order)", "rpc Put(Order) returns (Order); rpc Get(Order)"),
    ("reserved 9;", "reserved 9; reserved 10;"),
    ("service Shop", "message Item { string id = 1; }\nservice Shop"),
)


def test_protobuf_breaks_are_found_with_their_place(make_repo: MakeRepo) -> None:
    new = PROTO
    for before, breaking in PROTO_CASES.values():
        assert before in new
        new = new.replace(before, breaking, 1)
    result = compared(make_repo, "protobuf", PROTO, new)
    assert result.outcome is Outcome.FAILED
    found = {finding.rule.removeprefix("protobuf."): finding for finding in result.findings}
    assert set(PROTO_CASES) <= set(found)
    for finding in result.findings:
        assert (finding.severity, finding.file) == (Severity.BREAKING, FILES["protobuf"])
        assert finding.line in (3, 4, 5)
        assert finding.remedy
    shown = {rule: (f.evidence.get("before"), f.evidence.get("after")) for rule, f in found.items()}
    assert shown["field-no-delete"] == ("int32 total = 2", "absent")
    assert shown["field-same-type"] == ("State state = 3", "string state = 3")
    assert shown["enum-value-no-delete"] == ("STATE_PAID = 1", "absent")
    assert shown["rpc-same-server-streaming"] == (
        "rpc List(Order) returns (stream Order)",
        "rpc List(Order) returns (Order)",
    )


def test_one_file_of_protobuf_is_compared_with_its_imports_and_nothing_else(
    make_repo: MakeRepo,
) -> None:
    head = 'syntax = "proto3";\npackage shop.v1;\n'
    order = f'{head}import "types/money.proto";\nmessage Order {{ Money total = 1; }}\n'
    money = f"{head}message Money {{ int64 cents = 1; string currency = 2; }}\n"
    twin = f"{head}message Order {{ string other = 1; }}\n"
    files = {"p/order.proto": order, "p/types/money.proto": money, "p/twin.proto": twin}
    repo = make_repo(files)
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"p/types/money.proto": money.replace(" string currency = 2;", "")})
    result = check("protobuf", repo, base, path="p/order.proto")
    assert [(f.rule, f.file) for f in result.findings] == [
        ("protobuf.field-no-delete", "p/types/money.proto")
    ]
    commit(repo, {"p/order.proto": order.replace("Money total", "Money sum"),
        "p/types/money.proto": money})  # fmt: skip
    result = check("protobuf", repo, base, path="p/order.proto")
    assert {f.file for f in result.findings} == {"p/order.proto"}


def test_a_declaration_is_found_in_its_own_message() -> None:
    text = """message Order { // message Order { string no = 1; }
      enum Kind { A = 1; }  message Line { string text = 1; oneof x { int32 n = 2; } }
      oneof pay { string /* or */ card = 1 [deprecated = true]; }
    }"""
    told = 'Field "{}" with name "x" on message "{}" changed type'
    assert declared(told.format(1, "Order"), [text]) == "string card = 1 [deprecated = true]"
    assert declared(told.format(2, "Order.Line"), [text]) == "int32 n = 2"
    assert declared('value "1" on enum "Kind" changed', [text]) == "A = 1"
    assert declared(told.format(9, "Order"), ["message Order {", text]) is None


def test_a_new_package_of_protobuf_breaks_and_additions_do_not(make_repo: MakeRepo) -> None:
    moved = compared(make_repo, "protobuf", PROTO, PROTO.replace("shop.v1", "shop.v2"))
    assert "protobuf.file-same-package" in {finding.rule for finding in moved.findings}
    new = PROTO
    for before, harmless in PROTO_SAFE:
        new = new.replace(before, harmless, 1)
    twin = compared(lambda files: make_repo(files, name="twin"), "protobuf", PROTO, new)
    assert twin.outcome is Outcome.PASSED, twin.reason


def test_what_is_only_on_the_wire_may_be_renamed(make_repo: MakeRepo) -> None:
    renamed = PROTO.replace("string id", "string name")
    assert compared(make_repo, "protobuf", PROTO, renamed, policy="wire").outcome is Outcome.PASSED


AVRO: Any = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN", "PAID"]}},
        {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 4}},
        {"name": "note", "type": ["null", "string"]},
    ],
}


def field(number: int, **parts: Any) -> Any:
    fields = [{**f, **parts} if i == number else f for i, f in enumerate(AVRO["fields"])]
    return {**AVRO, "fields": fields}


STATE: Any = {"type": "enum", "name": "State", "symbols": ["OPEN"]}
HASH: Any = {"type": "fixed", "name": "Hash", "size": 8}
MORE: Any = {"name": "tax", "type": "int"}
AVRO_CASES: dict[str, tuple[Any, Any]] = {
    "reader-field-missing-default-value": (
        {**AVRO, "fields": [*AVRO["fields"], MORE]},
        {**AVRO, "fields": [*AVRO["fields"], {**MORE, "default": 0}]},
    ),
    "missing-enum-symbols": (
        field(1, type=STATE),
        field(1, type={**STATE, "symbols": ["OPEN", "PAID", "SENT"]}),
    ),
    "fixed-size-mismatch": (field(2, type=HASH), field(2, type={**HASH, "size": 4})),
    "type-mismatch": (field(0, type="int"), field(0, type="double")),
    "missing-union-branch": (
        field(3, type=["null", "long"]),
        field(3, type=["null", "string", "long"]),
    ),
    "name-mismatch": (
        field(2, type={**HASH, "size": 4, "name": "Digest"}),
        {**AVRO, "doc": "an order"},
    ),
}


@pytest.mark.parametrize("rule", AVRO_CASES)
def test_avro_breaks_are_shown_by_a_record_that_cannot_be_read(
    make_repo: MakeRepo, rule: str
) -> None:
    breaking, harmless = AVRO_CASES[rule]
    result = compared(make_repo, "avro", json.dumps(AVRO), json.dumps(breaking, indent=1))
    assert result.outcome is Outcome.FAILED, result
    found = {finding.rule: finding for finding in result.findings}
    assert f"avro.{rule}" in found
    record = found[f"avro.{rule}"].evidence["counterexample"]
    record["hash"] = record["hash"].encode()
    written = io.BytesIO()
    old, new = (avro.schema.parse(json.dumps(schema)) for schema in (AVRO, breaking))
    DatumWriter(old).write(record, BinaryEncoder(written))
    written.seek(0)
    with pytest.raises(Exception, match=r"\w"):
        DatumReader(old, new).read(BinaryDecoder(written))
    twin = compared(
        lambda files: make_repo(files, name="twin"), "avro", json.dumps(AVRO), json.dumps(harmless)
    )
    assert twin.outcome is Outcome.PASSED, twin.reason


def test_each_break_of_avro_has_its_own_place_words_and_record(make_repo: MakeRepo) -> None:
    new = json.loads(json.dumps(AVRO))
    new["fields"][0]["type"] = "string"
    new["fields"][1]["type"]["symbols"] = ["OPEN"]
    new["fields"].insert(0, {"name": "must", "type": "int"})
    result = compared(make_repo, "avro", json.dumps(AVRO), json.dumps(new))
    told = {f.rule: (f.evidence["path"], f.evidence["pointer"]) for f in result.findings}
    assert told == {
        "avro.reader-field-missing-default-value": ("Order.must", "/fields/0"),
        "avro.type-mismatch": ("Order.id", "/fields/1/type"),
        "avro.missing-enum-symbols": ("Order.state", "/fields/2/type/symbols"),
    }
    lost = next(f for f in result.findings if f.rule.endswith("symbols"))
    assert "PAID" in lost.message
    assert lost.evidence["counterexample"]["state"] == "PAID"


def test_an_enum_of_avro_with_a_default_takes_what_it_does_not_know(make_repo: MakeRepo) -> None:
    new = json.dumps(field(1, type={**STATE, "default": "OPEN"}))
    result = compared(make_repo, "avro", json.dumps(AVRO), new)
    assert result.outcome is not Outcome.FAILED


def test_the_direction_counts_for_avro(make_repo: MakeRepo) -> None:
    wider = json.dumps(field(0, type="double"))
    repo = make_repo({PATHS["avro"]: json.dumps(AVRO)})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {PATHS["avro"]: wider})
    assert check("avro", repo, base).outcome is Outcome.PASSED
    for options in ({"direction": "output"}, {"compatibility": "forward"}):
        result = check("avro", repo, base, **options)
        assert result.outcome is Outcome.FAILED
        assert "readers of the version before" in result.reason


def test_samples_of_avro_are_validated(make_repo: MakeRepo) -> None:
    good = {"id": 1, "state": "OPEN", "hash": "abcd", "note": None}
    schema = field(2, type="string")
    repo = make_repo({PATHS["avro"]: json.dumps(schema), "s/a.json": json.dumps(good)})
    assert check("avro", repo, samples="s/*.json").outcome is Outcome.PASSED
    commit(repo, {"s/b.json": json.dumps({**good, "state": "GONE"})})
    result = check("avro", repo, samples="s/*.json")
    assert [(f.rule, f.file) for f in result.findings] == [("sample.invalid", "s/b.json")]


def test_a_kind_without_samples_does_not_ignore_them(make_repo: MakeRepo) -> None:
    repo = make_repo({PATHS["graphql"]: GRAPHQL, "s/a.json": "{}"})
    result = check("graphql", repo, samples="s/*.json")
    assert result.outcome is Outcome.ERRORED
    assert "samples" in result.reason


BROKEN = {
    "graphql": ("type Query {\n  a: Nowhere\n}", "graphql.invalid", 2),
    "protobuf": ('syntax = "proto3";\nmessage A { Nowhere a = 1; }', "protobuf.invalid", 2),
    "avro": ('{"type": "recor"}', "avro.invalid", 1),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_is_none_of_its_kind_fails_with_its_place(
    make_repo: MakeRepo, kind: str
) -> None:
    text, rule, line = BROKEN[kind]
    result = check(kind, make_repo({FILES[kind]: text}))
    assert result.outcome is Outcome.FAILED
    [finding] = result.findings
    assert (finding.rule, finding.file, finding.line) == (rule, FILES[kind], line)


WHOLE = {"graphql": GRAPHQL, "protobuf": PROTO, "avro": json.dumps(AVRO)}


@pytest.mark.parametrize("kind", WHOLE)
def test_every_mode_accepts_what_did_not_change(make_repo: MakeRepo, kind: str) -> None:
    result = compared(make_repo, kind, WHOLE[kind], WHOLE[kind], compatibility="full-transitive")
    assert result.outcome is Outcome.PASSED, result.reason
    assert result.data["not_examined"]


@pytest.mark.parametrize("kind", WHOLE)
def test_without_the_extra_it_is_errored_with_the_line_that_installs_it(
    make_repo: MakeRepo, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import sys

    for name in ("graphql", "avro", "avro.errors", "avro.schema"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    result = check(kind, make_repo({FILES[kind]: WHOLE[kind]}))
    assert result.outcome is Outcome.ERRORED
    assert result.reason.endswith("pip install 'handoff-orchestrator[contracts]'")
