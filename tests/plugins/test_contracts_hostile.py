"""Files that are broken, huge or meant to hurt: a clear outcome with its place, in time."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config.model import Contract
from orchestrator.plugins.builtin import contracts
from orchestrator.plugins.spec import CheckResult, Outcome
from orchestrator.testing import plugins as harness
from tests.conftest import MakeRepo, commit, git


def check(repo: Path, base: str | None, kind: str, path: str, **more: Any) -> CheckResult:
    chosen = harness.config(contracts={"c": Contract("c", kind, path, **more)})
    [planned] = harness.plan(contracts, chosen, checkout=repo)
    where = harness.context(repo, repo.parent / "scratch", base=base, settings=chosen)
    return harness.execute(contracts, planned, where)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("json-schema", "c.json"),
        ("json-schema", "c.yaml"),
        ("openapi", "c.yaml"),
        ("avro", "c.avsc"),
        ("graphql", "c.graphql"),
        ("python", "c/__init__.py"),
        ("protobuf", "c.proto"),
    ],
)
def test_what_is_not_utf_8_fails_with_its_line(make_repo: MakeRepo, kind: str, path: str) -> None:
    repo = make_repo()
    (repo / path).parent.mkdir(exist_ok=True)
    (repo / path).write_bytes(b"# \n# \n\xff\xfe = 1\n")
    result = check(repo, None, kind, path, **({"package": "c"} if kind == "python" else {}))
    assert result.outcome is Outcome.FAILED
    [finding] = result.findings[:1]
    assert finding.file == path
    assert finding.line == 3 or kind in ("python", "protobuf")


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "more than 500000 values"),
        ("a: &a\n  b: *a\n", "circle"),
        ("a: *nowhere\n", "undefined alias"),
        ("? [1, 2]\n: x\n", "YAML"),
        ("a: !!python/object/apply:os.system [id]\n", "constructor"),
        ("[" * 3000, "nested"),
    ],
)
def test_yaml_that_is_meant_to_hurt_fails_fast(make_repo: MakeRepo, text: str, said: str) -> None:
    began = time.monotonic()
    result = check(make_repo({"c.yaml": text}), None, "json-schema", "c.yaml")
    assert result.outcome is Outcome.FAILED
    assert said in result.reason or "deep" in result.reason
    assert time.monotonic() - began < 20


def test_anchors_of_yaml_are_no_trouble(make_repo: MakeRepo) -> None:
    text = "properties:\n  a: &kind {type: string}\n  b: *kind\n  c: {<<: *kind, minLength: 1}\n"
    repo = make_repo({"c.yaml": text})
    base = git(repo, "rev-parse", "HEAD")
    assert check(repo, base, "json-schema", "c.yaml").outcome is Outcome.PASSED
    commit(repo, {"c.yaml": text.replace("minLength: 1", "minLength: 2")})
    result = check(repo, base, "json-schema", "c.yaml")
    assert result.reason == "$.c: minLength is now 2; before it was 1"


FAR = {"properties": {"a": {"$ref": "https://schemas.example/money.json"}}}


def test_a_far_reference_is_never_fetched(make_repo: MakeRepo) -> None:
    repo = make_repo({"c.json": json.dumps(FAR)})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"c.json": json.dumps({**FAR, "title": "changed"})})
    result = check(repo, base, "json-schema", "c.json")
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "https://schemas.example/money.json" in result.reason
    assert "never fetched" in result.reason


def test_an_address_beside_the_documents_own_is_the_file_beside_it(make_repo: MakeRepo) -> None:
    mine = {"$id": "https://schemas.example/c.json", **FAR}
    repo = make_repo({"c.json": json.dumps(mine), "money.json": '{"enum": [1, 2]}'})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"money.json": '{"enum": [1]}'})
    assert check(repo, base, "json-schema", "c.json").reason == "$.a no longer accepts 2"


@pytest.mark.parametrize(
    ("pointed", "said"),
    [
        ({"$ref": "#/components/parameters/P"}, "circle"),
        ({"$ref": "https://far.example/p.yaml"}, "never fetched"),
        ({"$ref": "other.yaml#/P"}, "leads out of the repository"),
        ({"$ref": "#/components/parameters/Q"}, "nowhere"),
        ({"$ref": 5}, "leads out"),
        ([], "object"),
    ],
)
def test_an_api_whose_references_lead_astray_fails_with_its_line(
    make_repo: MakeRepo, pointed: Any, said: str
) -> None:
    document = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"get": {"parameters": [{"$ref": "#/components/parameters/P"}]}}},
        "components": {"parameters": {"P": pointed}},
    }
    result = check(make_repo({"c.json": json.dumps(document, indent=1)}), None, "openapi", "c.json")
    assert result.outcome is Outcome.FAILED
    assert said in result.reason
    [finding] = result.findings
    assert finding.rule == "openapi.invalid"
    assert finding.line is not None
    assert finding.line > 5


def test_circles_of_schemas_are_compared(make_repo: MakeRepo) -> None:
    def tree(*values: int) -> str:
        node = {"properties": {"v": {"enum": list(values)}, "kids": {"items": {"$ref": "#"}}}}
        return json.dumps({"type": "object", **node})

    repo = make_repo({"c.json": tree(1, 2)})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"c.json": tree(1, 2, 3)})
    assert check(repo, base, "json-schema", "c.json").outcome is Outcome.PASSED
    commit(repo, {"c.json": tree(1)})
    assert check(repo, base, "json-schema", "c.json").outcome is Outcome.FAILED


@pytest.mark.slow
def test_a_document_of_five_megabytes_is_told_in_time(make_repo: MakeRepo) -> None:
    def huge(values: list[int]) -> str:
        parts = {f"p{n}": {"type": "string", "description": "x" * 1000} for n in range(5000)}
        return json.dumps({"type": "object", "properties": {**parts, "last": {"enum": values}}})

    repo = make_repo({"c.json": huge([1, 2])})
    base = git(repo, "rev-parse", "HEAD")
    began = time.monotonic()
    assert check(repo, base, "json-schema", "c.json").outcome is Outcome.PASSED
    commit(repo, {"c.json": huge([1])})
    result = check(repo, base, "json-schema", "c.json")
    assert result.outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE)
    assert time.monotonic() - began < 60


def test_a_file_beyond_all_bounds_is_refused(make_repo: MakeRepo) -> None:
    repo = make_repo({"c.json": '"' + "x" * (17 << 20) + '"'})
    result = check(repo, None, "json-schema", "c.json")
    assert result.outcome is Outcome.FAILED
    assert "16 MiB" in result.reason


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("c.json", '{"type": "string", "type": "integer"}', None),
        ("c.yaml", "type: object\nproperties:\n  200: {}\n  '200': {}\n", 4),
    ],
)
def test_a_key_that_is_there_twice_is_said(
    make_repo: MakeRepo, name: str, text: str, line: int | None
) -> None:
    result = check(make_repo({name: text}), None, "json-schema", name)
    assert result.outcome is Outcome.FAILED
    [finding] = result.findings
    assert (finding.rule, finding.line) == ("contract.unreadable", line)
    assert "is there twice" in finding.message
