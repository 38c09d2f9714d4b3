"""OpenAPI: for every rule a change that breaks and its harmless twin, and calls that show it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from orchestrator.plugins.builtin.contracts import modes, openapi
from orchestrator.plugins.builtin.contracts.kinds import Asked, Undecided
from orchestrator.plugins.builtin.contracts.openapi_rules import RULES
from orchestrator.plugins.builtin.contracts.openapi_side import Side
from orchestrator.plugins.builtin.contracts.versions import in_folder
from orchestrator.plugins.spec import CheckContext, Finding, Severity
from orchestrator.testing import plugins as harness

Document = Any  # JSON
Edit = Callable[[Document], object]
BREAKING, DANGEROUS, NOTICE = Severity.BREAKING, Severity.DANGEROUS, Severity.NOTICE

API = yaml.safe_load("""
openapi: 3.0.3
info: {title: Shop, version: "1"}
servers: [{url: "https://{where}.example/v1", variables: {where: {default: shop}}}]
security: [{login: [read]}]
paths:
  /orders:
    get:
      parameters:
        - {name: ids, in: query, schema: {type: array, items: {type: integer}}}
        - {name: page, in: query, allowReserved: true, schema: {type: integer}}
        - {name: X-Lang, in: header, deprecated: true, schema: {type: string, maxLength: 2}}
        - {name: session, in: cookie, schema: {type: string, minLength: 8}}
        - {name: Accept, in: header, schema: {type: string}}
      responses:
        "200":
          description: all
          headers:
            X-Total: {required: true, schema: {type: integer, minimum: 0}}
            X-Hint: {schema: {type: string}}
          content:
            application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Order"}}}
        "404": {description: none}
    post:
      requestBody:
        content:
          application/json: {schema: {$ref: "#/components/schemas/Order"}}
          text/plain: {}
      responses: {"201": {description: made}}
    delete: {deprecated: true, responses: {"204": {description: gone}}}
  /orders/{id}/{part}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
      - {name: part, in: path, required: true, schema: {type: array, items: {type: string}}}
    get: {security: [{}], responses: {default: {description: any}}}
components:
  securitySchemes:
    login:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: "https://id.example", scopes: {read: r, write: w}}}
  schemas:
    Order:
      type: object
      required: [id]
      properties: {id: {type: integer}, pay: {enum: [card, cash], nullable: true, type: string}}
""")


def orders(document: Document, method: str = "get") -> Document:
    return document["paths"]["/orders"][method]


def parameter(document: Document, name: str) -> Document:
    return next(p for p in orders(document)["parameters"] if p["name"] == name)


def ok(document: Document) -> Document:
    return orders(document)["responses"]["200"]


def flow(document: Document) -> Document:
    return document["components"]["securitySchemes"]["login"]["flows"]["clientCredentials"]


def removed(name: str) -> Edit:
    return lambda d: orders(d)["parameters"].remove(parameter(d, name))


def moved(document: Document) -> None:
    parameter(document, "page")["in"] = "header"


#: Rule, severity, the edit that breaks, its twin that does not.
CASES: list[tuple[str, Severity, Edit, Edit]] = [
    ("path-removed", BREAKING, lambda d: d["paths"].pop("/orders"),
     lambda d: d["paths"].update({"/stock": {"get": {"responses": {}}}})),
    ("operation-removed", BREAKING, lambda d: d["paths"]["/orders"].pop("post"),
     lambda d: d["paths"]["/orders"].update(patch={"responses": {}})),
    ("operation-removed", DANGEROUS, lambda d: d["paths"]["/orders"].pop("delete"),
     lambda d: orders(d, "delete").pop("deprecated")),
    ("deprecated", NOTICE, lambda d: orders(d).update(deprecated=True),
     lambda d: orders(d).update(deprecated=False)),
    ("deprecated", NOTICE, lambda d: parameter(d, "ids").update(deprecated=True),
     lambda d: parameter(d, "X-Lang").pop("deprecated")),
    ("server-removed", BREAKING, lambda d: d.update(servers=[{"url": "https://shop.example/v2"}]),
     lambda d: d["servers"].append({"url": "https://shop.example/v2"})),
    ("server-removed", DANGEROUS, lambda d: d.update(servers=[{"url": "https://api.example/v1"}]),
     lambda d: d.update(servers=[{"url": "https://shop.example/v1/"}])),
    ("server-removed", BREAKING, lambda d: orders(d).update(servers=[{"url": "/other"}]),
     lambda d: orders(d).update(servers=d["servers"])),
    ("parameter-removed", BREAKING, removed("ids"), removed("Accept")),
    ("parameter-removed", DANGEROUS, removed("X-Lang"), lambda d: None),
    ("parameter-moved", BREAKING, moved, lambda d: orders(d)["parameters"].reverse()),
    ("parameter-required", BREAKING, lambda d: parameter(d, "ids").update(required=True),
     lambda d: parameter(d, "ids").update(required=False)),
    ("parameter-required", BREAKING,
     lambda d: orders(d)["parameters"].append({"name": "q", "in": "query", "required": True,
                                               "schema": {"type": "string"}}),
     lambda d: orders(d)["parameters"].append({"name": "q", "in": "query",
                                               "schema": {"type": "string"}})),
    ("parameter-style", BREAKING, lambda d: parameter(d, "ids").update(explode=False),
     lambda d: parameter(d, "page").update(explode=False)),
    ("parameter-style", BREAKING, lambda d: parameter(d, "ids").update(style="pipeDelimited"),
     lambda d: parameter(d, "ids").update(style="form", explode=True)),
    ("parameter-style", BREAKING,
     lambda d: d["paths"]["/orders/{id}/{part}"]["parameters"][1].update(style="matrix"),
     lambda d: d["paths"]["/orders/{id}/{part}"]["parameters"][1].update(style="simple")),
    ("parameter-style", BREAKING,
     lambda d: parameter(d, "ids").update(
         content={"application/json": {"schema": parameter(d, "ids").pop("schema")}}),
     lambda d: parameter(d, "ids").update(description="numbers")),
    ("parameter-style", DANGEROUS, lambda d: parameter(d, "page").pop("allowReserved"),
     lambda d: parameter(d, "ids").update(allowReserved=True)),
    ("body-required", BREAKING, lambda d: orders(d, "post")["requestBody"].update(required=True),
     lambda d: orders(d).update(requestBody={"content": {"text/plain": {}}})),
    ("body-removed", BREAKING, lambda d: orders(d, "post").pop("requestBody"), lambda d: None),
    ("media-type-removed", BREAKING,
     lambda d: orders(d, "post")["requestBody"]["content"].pop("text/plain"),
     lambda d: orders(d, "post")["requestBody"]["content"].update(
         {"text/*": orders(d, "post")["requestBody"]["content"].pop("text/plain")})),
    ("media-type-removed", BREAKING, lambda d: ok(d).update(content={"text/csv": {}}),
     lambda d: ok(d)["content"].update({"text/csv": {}})),
    ("status-removed", BREAKING,
     lambda d: orders(d, "post").update(responses={"202": {"description": "later"}}),
     lambda d: orders(d, "post").update(responses={"2XX": {"description": "made"}})),
    ("status-removed", DANGEROUS, lambda d: orders(d)["responses"].pop("404"),
     lambda d: orders(d)["responses"].update(default=orders(d)["responses"].pop("404"))),
    ("header-removed", BREAKING, lambda d: ok(d)["headers"].pop("X-Total"),
     lambda d: ok(d)["headers"].update({"x-total": ok(d)["headers"].pop("X-Total")})),
    ("header-removed", DANGEROUS, lambda d: ok(d)["headers"].pop("X-Hint"),
     lambda d: ok(d)["headers"].update({"X-New": {"schema": {"type": "string"}}})),
    ("header-optional", BREAKING, lambda d: ok(d)["headers"]["X-Total"].pop("required"),
     lambda d: ok(d)["headers"]["X-Hint"].update(required=True)),
    ("security-tightened", BREAKING, lambda d: d.update(security=[{"login": ["read", "write"]}]),
     lambda d: d.update(security=[{"login": []}])),
    ("security-tightened", BREAKING,
     lambda d: d["paths"]["/orders/{id}/{part}"]["get"].update(security=[{"login": []}]),
     lambda d: d["paths"]["/orders/{id}/{part}"]["get"].update(security=[])),
    ("security-removed", DANGEROUS, lambda d: d.pop("security"), lambda d: None),
    ("security-scheme-changed", BREAKING, lambda d: flow(d)["scopes"].pop("write"),
     lambda d: flow(d)["scopes"].update(admin="a")),
    ("security-scheme-changed", BREAKING, lambda d: flow(d).update(tokenUrl="https://new.example"),
     lambda d: d["components"]["securitySchemes"]["login"].update(description="how to log in")),
]  # fmt: skip
NAMES = [f"{number}-{case[0]}-{case[1]}" for number, case in enumerate(CASES)]


@pytest.fixture
def where(tmp_path: Path) -> CheckContext:
    return harness.context(tmp_path, tmp_path / "scratch")


def compared(
    new: Document, where: CheckContext, old: Document = API, demand: str = modes.MUST_NOT_SHRINK
) -> list[Finding | Undecided]:
    contract = {"name": "api", "path": "api.yaml", "content_model": "closed"}

    def side(name: str, document: Document) -> Side:
        text = yaml.safe_dump(document, sort_keys=False)
        folder = harness.write(Path(where.checkout) / name, {"api.yaml": text})
        return openapi.load(in_folder(str(folder), "api.yaml"), contract, where)

    return list(openapi.compare(side("old", old), side("new", new), Asked(demand, contract, where)))


def edited(edit: Edit) -> Document:
    document = copy.deepcopy(API)
    edit(document)
    return document


@pytest.mark.parametrize(("rule", "severity", "edit", "twin"), CASES, ids=NAMES)
def test_a_change_is_found_and_its_twin_is_none(
    rule: str, severity: Severity, edit: Edit, twin: Edit, where: CheckContext
) -> None:
    found = compared(edited(edit), where)
    assert [f for f in found if isinstance(f, Undecided)] == []
    mine = [f for f in found if isinstance(f, Finding) and f.rule == f"openapi.{rule}"]
    assert severity in {f.severity for f in mine}, found
    for finding in mine:
        assert finding.remedy == RULES[rule]
        assert str(finding.evidence["pointer"]).startswith("/")
        if severity is BREAKING:
            assert finding.evidence["counterexample"]
    harmless = compared(edited(twin), where)
    assert [f for f in harmless if isinstance(f, Undecided) or f.severity is not NOTICE] == []


def test_every_rule_has_its_case() -> None:
    assert {case[0] for case in CASES} == set(RULES)


def test_a_call_shows_what_is_refused_and_why(where: CheckContext) -> None:
    [finding] = compared(edited(removed("ids")), where)
    assert isinstance(finding, Finding)
    assert finding.evidence["refused_because"] == "there is no query parameter ids"
    call = finding.evidence["counterexample"]
    assert call["request"] == "GET /orders"
    assert call["credentials"] == {"login": ["read"]}
    [value] = call["parameters"].values()
    several = {"type": "array", "items": {"type": "integer"}, "minItems": 2}
    jsonschema.validate(value, several)


def test_the_body_of_a_request_was_valid_and_is_not_any_more(where: CheckContext) -> None:
    def edit(document: Document) -> None:
        document["components"]["schemas"]["Order"]["properties"]["pay"]["enum"] = ["card"]

    found = [f for f in compared(edited(edit), where) if isinstance(f, Finding)]
    [finding] = [f for f in found if f.rule == "schema.lost-values"]
    body = finding.evidence["request"]["body"]
    jsonschema.validate(body, {"required": ["id"], "properties": {"pay": {"enum": ["cash"]}}})
    assert finding.evidence["pointer"] == "/components/schemas/Order/properties/pay"


def test_what_one_schema_breaks_in_many_operations_is_one_finding(where: CheckContext) -> None:
    def many(values: list[str]) -> Document:
        document = copy.deepcopy(API)
        document["components"]["schemas"]["Order"]["properties"]["pay"]["enum"] = values
        post = orders(document, "post")
        document["paths"] |= {f"/more{n}": {"post": copy.deepcopy(post)} for n in range(80)}
        return document

    [finding] = compared(many(["card"]), where, old=many(["card", "cash"]))
    assert isinstance(finding, Finding)
    assert finding.message.endswith('no longer accepts "cash" (and in other operations)')
    assert len(finding.evidence["also"]) == 50
    assert finding.evidence["also"][0] == "POST /more0, request application/json"


def test_the_values_of_headers_must_not_grow_and_of_parameters_not_shrink(
    where: CheckContext,
) -> None:
    grown = edited(lambda d: ok(d)["headers"]["X-Total"]["schema"].pop("minimum"))
    shrunk = edited(lambda d: parameter(d, "session")["schema"].update(minLength=9))
    [header], [cookie] = compared(grown, where), compared(shrunk, where)
    assert isinstance(header, Finding)
    assert isinstance(cookie, Finding)
    assert (header.rule, cookie.rule) == ("schema.gained-values", "schema.lost-values")
    assert "response 200 header X-Total" in header.message
    assert "cookie parameter session" in cookie.message
    assert compared(API, where, old=grown) == compared(API, where, old=shrunk) == []


@pytest.mark.parametrize("demand", [modes.MUST_NOT_SHRINK, modes.MUST_NOT_GROW])
def test_an_api_is_compatible_with_itself(demand: str, where: CheckContext) -> None:
    assert compared(copy.deepcopy(API), where, demand=demand) == []


def test_an_api_may_be_of_several_files(tmp_path: Path, where: CheckContext) -> None:
    contract = {"name": "api", "path": "api/main.yaml", "content_model": "closed"}
    main = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"$ref": "paths/a.yaml#/item"}},
    }
    item = {
        "post": {
            "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/in"}}}},
            "responses": {"default": {"$ref": "../main.yaml#/components/responses/E"}},
        }
    }
    main["components"] = {"responses": {"E": {"description": "any"}}}

    def side(name: str, values: list[str]) -> Side:
        part = yaml.safe_dump({"item": item, "in": {"enum": values}})
        files = {"api/main.yaml": yaml.safe_dump(main), "api/paths/a.yaml": part}
        folder = harness.write(tmp_path / name, files)
        return openapi.load(in_folder(str(folder), "api/main.yaml"), contract, where)

    asked = Asked(modes.MUST_NOT_SHRINK, contract, where)
    [finding] = openapi.compare(side("one", ["x", "y"]), side("two", ["x"]), asked)
    assert isinstance(finding, Finding)
    assert finding.message == 'POST /a, request application/json: $ no longer accepts "y"'
    assert (finding.file, finding.evidence["pointer"]) == ("api/paths/a.yaml", "/in")


BROKE = '[{"id": "x", "text": "it broke", "operation": "GET", "path": "/a"}]'
SAYS = {
    f"echo '{BROKE}'; exit 1": "oasdiff: GET /a: it broke",
    "echo no JSON; exit 0": "oasdiff: oasdiff could not compare: no JSON",
}


@pytest.mark.parametrize("script", SAYS)
def test_what_oasdiff_says_is_a_notice_and_decides_nothing(
    script: str, where: CheckContext, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "oasdiff"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    path = f"{program.parent}:{where.environment['PATH']}"
    with_it = replace(where, environment={**where.environment, "PATH": path})
    [finding] = compared({**copy.deepcopy(API), "x-changed": True}, with_it)
    assert isinstance(finding, Finding)
    assert (finding.severity, finding.rule) == (NOTICE, "openapi.oasdiff")
    assert finding.message == SAYS[script]
