"""Contracts of kind ``openapi``: what a change breaks for those who call today."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.config.model import Config, Contract, Layer
from orchestrator.plugins.builtin import contracts
from orchestrator.plugins.spec import CheckResult, Finding, Outcome, Severity
from orchestrator.testing import plugins as harness
from tests.conftest import MakeRepo, commit, git

PATH = "api/openapi.yaml"
Document = Any  # JSON
Edit = Callable[[Document], None]

API = """
openapi: 3.1.0
info: {title: Shop, version: "1"}
security: [{key: []}]
paths:
  /users:
    get:
      parameters:
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100}}
        - $ref: "#/components/parameters/Trace"
      responses:
        "200":
          description: users
          content:
            application/json:
              schema: {type: array, items: {$ref: "#/components/schemas/User"}}
            text/csv: {}
        "404": {description: none}
    post:
      requestBody:
        content:
          application/json: {schema: {$ref: "#/components/schemas/User"}}
          text/plain: {}
      responses:
        "201": {description: made}
  /users/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string}}
    get:
      security: []
      responses:
        2XX:
          description: one
          content: {application/json: {schema: {$ref: "#/components/schemas/User"}}}
components:
  parameters:
    Trace: {name: X-Trace, in: header, schema: {type: string}}
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
  schemas:
    User:
      type: object
      required: [name]
      properties:
        id: {type: integer, readOnly: true}
        name: {type: string}
        role: {enum: [admin, guest]}
        secret: {type: string, writeOnly: true}
"""


def settings(**options: Any) -> Config:
    contract = Contract("api", **{"kind": "openapi", "path": PATH, **options})
    layers = {"web": Layer("web", ("web/**",), input="api")}
    return harness.config(layers=layers, contracts={"api": contract})


def check(repo: Path, base: str | None = None, **options: Any) -> CheckResult:
    chosen = settings(**options)
    [planned] = harness.plan(contracts, chosen, checkout=repo)
    where = harness.context(repo, repo.parent / "scratch", base=base, settings=chosen)
    return harness.execute(contracts, planned, where)


@pytest.fixture
def edited(make_repo: MakeRepo) -> Callable[[Edit], CheckResult]:
    """Check the API after an edit against itself before."""

    def run(edit: Edit, **options: Any) -> CheckResult:
        document = yaml.safe_load(API)
        repo = make_repo({PATH: yaml.safe_dump(document, sort_keys=False)})
        base = git(repo, "rev-parse", "HEAD")
        changed = copy.deepcopy(document)
        edit(changed)
        commit(repo, {PATH: yaml.safe_dump(changed, sort_keys=False)})
        return check(repo, base, **options)

    return run


def users(document: Document, method: str = "get") -> Document:
    return document["paths"]["/users"][method]


def user(document: Document) -> Document:
    return document["components"]["schemas"]["User"]


def drop(container: Document, key: Any) -> None:
    del container[key]


def put(container: Document, key: Any, value: Any) -> None:
    container[key] = value


BREAKING: dict[str, tuple[Edit, str, str]] = {
    "path": (
        lambda d: drop(d["paths"], "/users/{id}"),
        "openapi.path-removed",
        "GET /users/{id}: the path was removed",
    ),
    "operation": (
        lambda d: drop(d["paths"]["/users"], "post"),
        "openapi.operation-removed",
        "POST /users: the operation was removed",
    ),
    "parameter": (
        lambda d: drop(users(d)["parameters"], 0),
        "openapi.parameter-removed",
        "GET /users: the query parameter limit was removed",
    ),
    "parameter location": (
        lambda d: put(users(d)["parameters"][0], "in", "header"),
        "openapi.parameter-moved",
        "GET /users: the query parameter limit moved to header",
    ),
    "optional query parameter becomes required": (
        lambda d: put(users(d)["parameters"][0], "required", True),
        "openapi.parameter-required",
        "GET /users: the query parameter limit became required",
    ),
    "referred parameter becomes required": (
        lambda d: put(d["components"]["parameters"]["Trace"], "required", True),
        "openapi.parameter-required",
        "GET /users: the header parameter X-Trace became required",
    ),
    "new required parameter": (
        lambda d: users(d)["parameters"].append({"name": "q", "in": "query", "required": True}),
        "openapi.parameter-required",
        "GET /users: the query parameter q is new and required",
    ),
    "parameter narrowed": (
        lambda d: put(users(d)["parameters"][0]["schema"], "maximum", 50),
        "schema.lost-values",
        "GET /users, query parameter limit: $: maximum is now 50; before it was 100",
    ),
    "body becomes required": (
        lambda d: put(users(d, "post")["requestBody"], "required", True),
        "openapi.body-required",
        "POST /users: the request body became required",
    ),
    "body removed": (
        lambda d: drop(users(d, "post"), "requestBody"),
        "openapi.body-removed",
        "POST /users: the request body was removed",
    ),
    "request media type": (
        lambda d: drop(users(d, "post")["requestBody"]["content"], "text/plain"),
        "openapi.media-type-removed",
        "POST /users: the request no longer accepts text/plain",
    ),
    "response media type": (
        lambda d: drop(users(d)["responses"]["200"]["content"], "text/csv"),
        "openapi.media-type-removed",
        "GET /users: the response 200 no longer has text/csv",
    ),
    "status": (
        lambda d: put(users(d, "post"), "responses", {"202": {"description": "later"}}),
        "openapi.status-removed",
        "POST /users: the status 201 was removed from the responses",
    ),
    "security": (
        lambda d: drop(d["paths"]["/users/{id}"]["get"], "security"),
        "openapi.security-tightened",
        "GET /users/{id}: callers with no credentials are no longer let in",
    ),
    "security scope": (
        lambda d: put(d, "security", [{"key": ["write"]}]),
        "openapi.security-tightened",
        "GET /users: callers with key are no longer let in",
    ),
    "security scheme": (
        lambda d: put(d["components"]["securitySchemes"]["key"], "in", "query"),
        "openapi.security-scheme-changed",
        (
            "every operation that uses it: the security scheme key changed: "
            "in is query now; before it was header"
        ),
    ),
    "request value": (
        lambda d: put(user(d)["properties"], "role", {"enum": ["admin"]}),
        "schema.lost-values",
        'POST /users, request application/json: $.role no longer accepts "guest"',
    ),
    "request property required": (
        lambda d: user(d)["required"].append("role"),
        "schema.lost-values",
        (
            "POST /users, request application/json: $.role became required; "
            "values without it were valid"
        ),
    ),
    "response value": (
        lambda d: user(d)["properties"]["role"]["enum"].append("root"),
        "schema.gained-values",
        (
            'GET /users, response 200 application/json: $[*].role may be "root", '
            "which today's callers do not expect"
        ),
    ),
    "response property no longer required": (
        lambda d: put(user(d), "required", []),
        "schema.gained-values",
        (
            "GET /users, response 200 application/json: $[*].name may be absent, "
            "which today's callers do not expect"
        ),
    ),
}

SAFE: dict[str, Edit] = {
    "nothing": lambda d: None,
    "new path": lambda d: put(d["paths"], "/new", {"get": {"responses": {}}}),
    "new optional parameter": lambda d: users(d)["parameters"].append(
        {"name": "q", "in": "query", "schema": {"type": "string"}}
    ),
    "parameter widened": lambda d: put(users(d)["parameters"][0], "schema", {"type": "string"}),
    "new optional property": lambda d: put(user(d)["properties"], "nick", {"type": "string"}),
    "read-only property required": lambda d: user(d)["required"].append("id"),
    "path parameter renamed": lambda d: put(
        d["paths"],
        "/users/{user}",
        json.loads(json.dumps(d["paths"].pop("/users/{id}")).replace('"id", "in"', '"user", "in"')),
    ),
    "status class": lambda d: put(users(d)["responses"], "2XX", users(d)["responses"].pop("200")),
    "another way in": lambda d: d["security"].append({"token": []}),
}


@pytest.mark.parametrize("name", BREAKING)
def test_what_breaks_callers_is_found_with_operation_place_and_remedy(
    name: str, edited: Callable[[Edit], CheckResult]
) -> None:
    edit, rule, message = BREAKING[name]
    result = edited(edit)
    assert result.outcome is Outcome.FAILED
    found = {(f.rule, f.message): f for f in result.findings}
    assert (rule, message) in found, list(found)
    finding = found[rule, message]
    assert finding.severity is Severity.BREAKING
    assert finding.file == PATH
    assert finding.line is not None
    assert finding.remedy
    assert finding.evidence["consumers"] == ["web"]


@pytest.mark.parametrize("name", SAFE)
def test_what_breaks_nobody_passes(name: str, edited: Callable[[Edit], CheckResult]) -> None:
    result = edited(SAFE[name])
    assert result.outcome is Outcome.PASSED, [f.message for f in result.findings]


def test_a_removed_error_status_is_dangerous_not_breaking(
    edited: Callable[[Edit], CheckResult],
) -> None:
    result = edited(lambda d: drop(users(d)["responses"], "404"))
    assert result.outcome is Outcome.PASSED
    assert [f.severity for f in result.findings] == [Severity.DANGEROUS]


def test_what_a_read_only_property_becomes_matters_to_readers_alone(
    edited: Callable[[Edit], CheckResult],
) -> None:
    result = edited(lambda d: put(user(d)["properties"]["id"], "type", "string"))
    operations = {f.evidence["operation"] for f in result.findings}
    assert operations == {"GET /users", "GET /users/{id}"}


def test_surfaces_that_are_not_examined_are_named(
    edited: Callable[[Edit], CheckResult],
) -> None:
    def edit(document: Document) -> None:
        users(document)["responses"]["200"]["headers"] = {"X-Rate": {"schema": {"type": "integer"}}}
        users(document, "post")["callbacks"] = {}
        document["webhooks"] = {}
        user(document)["properties"]["links"] = {"type": "string"}

    result = edited(edit)
    assert result.data["not_examined"] == ["callbacks", "webhooks"]


def test_lines_point_into_the_candidate(make_repo: MakeRepo) -> None:
    repo = make_repo({PATH: API})
    base = git(repo, "rev-parse", "HEAD")
    text = API.replace("maximum: 100", "maximum: 10")
    commit(repo, {PATH: text})
    result = check(repo, base)
    [finding] = result.findings
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "maximum: 10" in row)
    assert finding.line == line


def test_the_dialect_of_3_0_is_understood(make_repo: MakeRepo) -> None:
    def api(schema: Document) -> str:
        body = {"content": {"application/json": {"schema": schema}}}
        paths = {"/a": {"put": {"requestBody": body, "responses": {}}}}
        info = {"title": "t", "version": "1"}
        return json.dumps({"openapi": "3.0.3", "info": info, "paths": paths})

    repo = make_repo({"a.json": api({"type": "integer", "nullable": True, "minimum": 1})})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"a.json": api({"type": "integer", "minimum": 1, "exclusiveMinimum": True})})
    result = check(repo, base, path="a.json")
    messages = [finding.message for finding in result.findings]
    assert messages == [
        "PUT /a, request application/json: $ no longer accepts values of type null",
        (
            "PUT /a, request application/json: $: exclusiveMinimum is now 1; "
            "before there was no such limit"
        ),
    ]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("swagger: '2.0'", "openapi.invalid"),
        ("[]", "openapi.invalid"),
        ("openapi: 3.1.0", "openapi.invalid"),
        ("openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {users: {}}", "openapi.invalid"),
        (API.replace("#/components/parameters/Trace", "#/nowhere"), "openapi.invalid"),
        (API.replace("#/components/parameters/Trace", "other.yaml#/a"), "openapi.invalid"),
        ("a: [", "contract.unreadable"),
    ],
)
def test_a_document_that_is_not_sound_fails(make_repo: MakeRepo, content: str, rule: str) -> None:
    result = check(make_repo({PATH: content}))
    assert result.outcome is Outcome.FAILED
    assert [finding.rule for finding in result.findings] == [rule]


def test_a_schema_reference_that_leads_nowhere_fails(make_repo: MakeRepo) -> None:
    result = check(make_repo({PATH: API.replace('schemas/User"', 'schemas/Nobody"')}))
    assert result.outcome is Outcome.FAILED
    rules: list[Finding] = list(result.findings)
    assert {finding.rule for finding in rules} == {"openapi.bad-schema"}


def test_recursive_schemas_are_compared(make_repo: MakeRepo) -> None:
    text = API.replace("role: {enum: [admin, guest]}", 'boss: {$ref: "#/components/schemas/User"}')
    repo = make_repo({PATH: text})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {PATH: text.replace("name: {type: string}", "name: {type: string, minLength: 2}")})
    result = check(repo, base)
    assert result.outcome is Outcome.FAILED
    assert all("POST /users" in finding.message for finding in result.findings)


def test_forward_protects_who_goes_back(edited: Callable[..., CheckResult]) -> None:
    def edit(document: Document) -> None:
        document["paths"]["/stock"] = {"get": {"responses": {"200": {"description": "all"}}}}

    assert edited(edit).outcome is Outcome.PASSED


def test_what_is_new_is_missed_by_who_goes_back(make_repo: MakeRepo) -> None:
    added = API + "\n"
    document = yaml.safe_load(added)
    document["paths"]["/stock"] = {"get": {"responses": {"200": {"description": "all"}}}}
    repo = make_repo({PATH: API})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {PATH: yaml.safe_dump(document)})
    for mode in ("forward", "full"):
        result = check(repo, base, compatibility=mode)
        assert result.outcome is Outcome.FAILED
        assert result.reason == "going back to the version before, GET /stock: the path was removed"


def test_none_compares_nothing(edited: Callable[..., CheckResult]) -> None:
    result = edited(lambda d: drop(d["paths"], "/users"), compatibility="none")
    assert result.outcome is Outcome.PASSED


def test_a_surface_that_is_not_examined_is_named_when_it_was_removed(
    edited: Callable[[Edit], CheckResult], make_repo: MakeRepo
) -> None:
    document = yaml.safe_load(API)
    document["webhooks"] = {}
    repo = make_repo({PATH: yaml.safe_dump(document)}, name="hooked")
    base = git(repo, "rev-parse", "HEAD")
    drop(document, "webhooks")
    commit(repo, {PATH: yaml.safe_dump(document)})
    assert check(repo, base).data["not_examined"] == ["webhooks"]
    assert edited(lambda d: None).data["not_examined"] == []


def test_each_refusal_names_what_its_finding_is_about(
    edited: Callable[[Edit], CheckResult],
) -> None:
    def edit(document: Document) -> None:
        document["security"] = [{"other": []}]
        users(document)["parameters"][0]["required"] = True
        users(document)["parameters"].append(
            {"name": "must", "in": "query", "required": True, "schema": {"type": "string"}}
        )
        users(document, "post")["requestBody"]["required"] = True

    because = {f.message: f.evidence.get("refused_because") for f in edited(edit).findings}
    assert because["GET /users: the query parameter limit became required"] == (
        "the query parameter limit is required"
    )
    assert because["GET /users: the query parameter must is new and required"] == (
        "the query parameter must is required"
    )
    assert because["POST /users: the request body became required"] == "a body is required"
    assert because["GET /users: callers with key are no longer let in"] == (
        "the credentials do not suffice"
    )


def test_a_scheme_matters_where_an_operation_asks_for_it(
    edited: Callable[[Edit], CheckResult], make_repo: MakeRepo
) -> None:
    document = yaml.safe_load(API)
    flows = {"implicit": {"authorizationUrl": "https://a", "scopes": {"read": "", "write": ""}}}
    document["components"]["securitySchemes"]["oauth"] = {"type": "oauth2", "flows": flows}
    for name, outcome in (("key", Outcome.PASSED), ("oauth", Outcome.FAILED)):
        before = copy.deepcopy({**document, "security": [{name: []}]})
        repo = make_repo({PATH: yaml.safe_dump(before)}, name=f"scheme-{outcome}")
        base = git(repo, "rev-parse", "HEAD")
        drop(
            before["components"]["securitySchemes"]["oauth"]["flows"]["implicit"]["scopes"], "read"
        )
        commit(repo, {PATH: yaml.safe_dump(before)})
        result = check(repo, base)
        assert result.outcome is outcome
    [finding] = result.findings
    assert finding.message.endswith("oauth changed: the scopes read of implicit are gone")
    assert finding.evidence["counterexample"]["operations"] == ["GET /users", "POST /users"]


def test_a_change_of_a_recursive_schema_is_told_once(make_repo: MakeRepo) -> None:
    document = yaml.safe_load(API)
    friends = {"type": "array", "items": {"$ref": "#/components/schemas/User"}}
    user(document)["properties"]["friends"] = friends
    repo = make_repo({PATH: yaml.safe_dump(document)})
    base = git(repo, "rev-parse", "HEAD")
    user(document)["required"].append("role")
    commit(repo, {PATH: yaml.safe_dump(document)})
    [finding] = check(repo, base).findings
    assert finding.message.endswith("$.role became required; values without it were valid")
    assert finding.evidence["also_at"] == ["$.friends[*]"]


@pytest.mark.parametrize(
    ("before", "after", "said", "line"),
    [
        ("    post:", "    pots:", "pots is no method", 19),
        ('"201"', '"21"', "21 is no status", 25),
        ("    post:", "    get:", "the key get is there twice", 19),
        (
            "components:",
            "  /users/{key}: {get: {responses: {}}}\ncomponents:",
            "same operation",
            35,
        ),
    ],
)
def test_what_would_be_silently_ignored_makes_a_document_unsound(
    make_repo: MakeRepo, before: str, after: str, said: str, line: int
) -> None:
    text = API.replace(before, after, 1)
    result = check(make_repo({PATH: text}))
    assert result.outcome is Outcome.FAILED
    assert said in result.reason
    assert [finding.line for finding in result.findings] == [line]


def test_what_there_was_no_time_for_is_undecided_and_what_was_found_is_kept(
    make_repo: MakeRepo,
) -> None:
    document = yaml.safe_load(API)
    repo = make_repo({PATH: yaml.safe_dump(document)})
    base = git(repo, "rev-parse", "HEAD")
    user(document)["required"].append("role")
    drop(users(document)["responses"]["200"]["content"], "text/csv")
    commit(repo, {PATH: yaml.safe_dump(document)})
    chosen = settings()
    [planned] = harness.plan(contracts, chosen, checkout=repo)
    where = harness.context(repo, repo.parent / "scratch", base=base, settings=chosen)
    result = harness.execute(contracts, planned, replace(where, timeout=0.0))
    assert {f.rule for f in result.findings} == {"openapi.media-type-removed"}
    assert "POST /users, request application/json" in {
        open_["surface"] for open_ in result.data["undecided"]
    }
