"""Every starter check passes on its own examples and fails on planted trouble."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.scaffold.starter import STARTERS, text_of
from tests.conftest import MakeRepo, commit, git


@dataclass(frozen=True)
class Run:
    status: int
    output: str
    report: Path


def with_starter(make_repo: MakeRepo, name: str) -> Path:
    """A repository with one starter and its examples, committed."""
    starter = STARTERS[name]
    files = ["checks/checklib.py", f"checks/{starter.script}", *starter.inputs, *starter.examples]
    content: dict[str, str | None] = {f"verification/{f}": text_of(f) for f in files}
    return make_repo(content)


def run(repo: Path, name: str, *arguments: str) -> Run:
    report = repo.parent / f"{name}.report"
    script = f"verification/checks/{STARTERS[name].script}"
    done = subprocess.run(
        [sys.executable, "-B", script, "--report", str(report), *arguments],
        cwd=repo,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return Run(done.returncode, done.stdout + done.stderr, report)


def problems(result: Run, format: str) -> int:
    """How many cases failed, as a reader of the report sees it."""
    text = result.report.read_text()
    if format == "sarif":
        return len(json.loads(text)["runs"][0]["results"])
    suite = ET.fromstring(text).find("testsuite")
    assert suite is not None
    failures = len(suite.findall("testcase/failure"))
    assert int(suite.get("failures", "-1")) == failures
    assert int(suite.get("tests", "0")) == len(suite.findall("testcase")) > 0
    return failures


@pytest.mark.parametrize("name", STARTERS)
def test_every_starter_passes_on_its_examples(make_repo: MakeRepo, name: str) -> None:
    repo = with_starter(make_repo, name)
    result = run(repo, name)
    assert result.status == 0, result.output
    assert problems(result, STARTERS[name].report) == 0
    assert git(repo, "status", "--porcelain") == ""


UNITTEST = "import unittest\nclass T(unittest.TestCase):\n def test_it(self): pass\n"
TOKEN = "ghp_" + "a1B2" * 9

PLANTED: list[tuple[str, str, str, str]] = [
    # starter, file, content, what the output must say
    ("secret-scan", "deploy.sh", f"export T={TOKEN}\n", "deploy.sh:1: github-token"),
    ("secret-scan", "a b'ü.py", 'password = "tR0ub4dor&3x!9"\n', "a b'ü.py:1: a secret"),
    ("secret-scan", "k", "-----BEGIN RSA PRIVATE KEY-----\n", "private-key"),
    ("secret-scan", "u", "postgres://app:hunter22x@db/app\n", "url-password"),
    ("accessibility", "p.html", "<img src=x>", "no alt text"),
    ("accessibility", "p.html", "<html><title>x</title></html>", "no lang"),
    ("accessibility", "p.html", '<html lang="en"></html>', "no title"),
    ("accessibility", "p.html", "<h1>a</h1><h3>b</h3>", "a level is skipped"),
    ("accessibility", "p.html", '<input type="text" id="q">', "<input> has no label"),
    ("accessibility", "p.html", "<button><i></i></button>", "<button> has no text"),
    ("accessibility", "p.html", '<p id="a"></p><p id="a"></p>', "used twice"),
    ("components", "ui/a.tsx", "import B from './b'\n", 'imports "./b"'),
    ("components", "ui/a.js", "// x\nconst b = require('../b.js')\n", "ui/a.js:2"),
    ("components", "ui/a.html", '<script src="gone.js"></script>', 'names "gone.js"'),
    ("unit-tests", "broken.py", "def (:\n", "broken.py"),
    (
        "unit-tests",
        "tests/test_x.py",
        "import unittest\nclass T(unittest.TestCase):\n def test_it(self): self.fail('no')\n",
        "AssertionError: no",
    ),
    ("unit-tests", "tests/test_x.py", "import not_there_at_all\n", "not_there_at_all"),
    ("api-contract", "openapi.json", '{"openapi": "2.0"}', "not an OpenAPI 3 document"),
    (
        "api-contract",
        "openapi.json",
        (
            '{"openapi": "3.0.0", "paths": {"/a/{id}": {"get": {"operationId": "a",'
            ' "responses": {"200": {"description": "x"}}}}}}'
        ),
        "{id} is not declared",
    ),
    (
        "api-contract",
        "openapi.json",
        (
            '{"openapi": "3.0.0", "paths": {"/a": {"get": {"operationId": "a", "responses": {"200":'
            ' {"content": {"application/json": {"schema": {"type": "object", "required": ["id"]},'
            ' "example": {}}}}}}}}}'
        ),
        "has no 'id'",
    ),
    (
        "api-contract",
        "openapi.json",
        (
            '{"openapi": "3.0.0", "paths": {"/a": {"get": {"operationId": "a", "responses": {"200":'
            ' {"$ref": "#/components/responses/Gone"}}}}}}'
        ),
        "leads nowhere",
    ),
    (
        "endpoints",
        "verification/flows/endpoints.json",
        (
            '{"start": ["python3", "{here}/examples/api.py", "{port}"], "ready": "/health",'
            ' "requests": [{"path": "/health", "status": 204}]}'
        ),
        "answered 200, not 204",
    ),
    (
        "endpoints",
        "verification/flows/endpoints.json",
        '{"start": ["python3", "-c", "raise SystemExit(7)"], "requests": []}',
        "ended with status 7",
    ),
    (
        "data-quality",
        "verification/examples/orders.csv",
        "id,item,total,state,day\n1,pen,-1,gone,x\n1,,2,open,\n",
        "id '1' is there twice",
    ),
    ("data-quality", "verification/examples/orders.csv", "id,item,total,state,day\n", "0 rows"),
    ("data-quality", "verification/contracts/quality.json", '{"no.csv": {}}', "no such file"),
    ("schema-evolution", "migrations/0002_x.sql", "DROP TABLE orders;\n", "takes something away"),
    ("schema-evolution", "migrations/first.sql", "SELECT 1;\n", "does not begin with a number"),
    (
        "schema-evolution",
        "verification/examples/migrations/0001_orders.sql",
        "CREATE TABLE orders (id INTEGER);\n",
        "must not change",
    ),
    ("deployment", "Dockerfile", "FROM python\n", "python is not pinned"),
    ("deployment", "k8s.yaml", "kind: Pod\nspec: {}\nmetadata: {name: x}\n", "no apiVersion"),
    ("deployment", "c.yaml", "a: 1\nb: 2\na: 3\n", "c.yaml:3: the key a is given twice"),
    ("deployment", "c.yaml", "services:\n  a:\n    image: nginx:latest\n", "nginx:latest"),
    ("deployment", "c.yaml", "services:\n  a:\n    privileged: true\n", "privileged: true"),
    ("deployment", "c.yaml", "a:\n\tb: 1\n", "indented with a tab"),
    ("deployment", "run.sh", "if true; then\n", "run.sh"),
    ("deployment", "x.json", "{,}", "is not JSON"),
    (
        "routes",
        "verification/contracts/routes.json",
        (
            '{"services": {"orders": "contracts/orders.openapi.json"},'
            ' "routes": [{"prefix": "/orders", "service": "orders"}]}'
        ),
        "no route leads there",
    ),
    (
        "routes",
        "verification/contracts/routes.json",
        (
            '{"services": {"orders": "contracts/orders.openapi.json"}, "routes":'
            ' [{"prefix": "/", "service": "orders"}, {"prefix": "/x", "service": "pay"}]}'
        ),
        "'pay' is not known",
    ),
    (
        "manifests",
        "AndroidManifest.xml",
        (
            '<manifest xmlns:android="http://schemas.android.com/apk/res/android">'
            '<application android:debuggable="true"/></manifest>'
        ),
        "debuggable",
    ),
    ("manifests", "AndroidManifest.xml", "<manifest>", "is not XML"),
    ("manifests", "ios/Info.plist", "<plist><dict></dict></plist>", "has no CFBundleIdentifier"),
]


@pytest.mark.parametrize(
    ("name", "file", "content", "said"),
    PLANTED,
    ids=[f"{case[0]}-{number}" for number, case in enumerate(PLANTED)],
)
def test_planted_trouble_fails(
    make_repo: MakeRepo, name: str, file: str, content: str, said: str
) -> None:
    repo = with_starter(make_repo, name)
    commit(repo, {file: content}, "planted")
    result = run(repo, name)
    assert result.status == 1, result.output
    assert said in result.output
    assert problems(result, STARTERS[name].report) >= 1


def test_a_missing_translation_and_another_placeholder_fail(make_repo: MakeRepo) -> None:
    repo = with_starter(make_repo, "localization")
    commit(repo, {"l/app_en.arb": '{"a": "x {n}", "b": "y"}', "l/app_de.arb": '{"a": "x"}'})
    result = run(repo, "localization")
    assert result.status == 1
    assert "'b' is not translated" in result.output
    assert "'a' has other placeholders" in result.output


def test_a_removed_migration_fails(make_repo: MakeRepo) -> None:
    repo = with_starter(make_repo, "schema-evolution")
    commit(repo, {"migrations/0001_a.sql": "SELECT 1;", "migrations/0002_b.sql": "SELECT 2;"})
    commit(repo, {"migrations/0001_a.sql": None})
    result = run(repo, "schema-evolution")
    assert result.status == 1
    assert "is gone" in result.output


def test_a_drop_with_its_reason_passes(make_repo: MakeRepo) -> None:
    repo = with_starter(make_repo, "schema-evolution")
    commit(repo, {"migrations/0002_b.sql": "-- breaking: nobody reads it\nDROP TABLE old;\n"})
    assert run(repo, "schema-evolution").status == 0


def test_a_line_marked_as_meant_is_no_secret(make_repo: MakeRepo) -> None:
    repo = with_starter(make_repo, "secret-scan")
    commit(repo, {"t.py": f'T = "{TOKEN}"  # secret-scan: allow\n'})
    assert run(repo, "secret-scan").status == 0


def test_a_found_secret_is_not_repeated_in_the_report(make_repo: MakeRepo) -> None:
    repo = with_starter(make_repo, "secret-scan")
    commit(repo, {"t.py": f'T = "{TOKEN}"\n'})
    result = run(repo, "secret-scan")
    assert result.status == 1
    assert TOKEN not in result.output + result.report.read_text()


@pytest.mark.parametrize("name", ["accessibility", "components", "localization", "manifests"])
def test_nothing_to_examine_is_no_pass(make_repo: MakeRepo, name: str) -> None:
    starter = STARTERS[name]
    repo = make_repo(
        {
            f"verification/checks/{f}": text_of(f"checks/{f}")
            for f in ("checklib.py", starter.script)
        }
    )
    result = run(repo, name)
    assert result.status == 2
    assert not result.report.exists()
    assert "nothing to examine" in result.output


def test_an_application_that_cannot_start_is_no_failure_of_it(make_repo: MakeRepo) -> None:
    repo = with_starter(make_repo, "endpoints")
    plan = '{"start": ["no-such-command-anywhere"], "requests": []}'
    commit(repo, {"verification/flows/endpoints.json": plan})
    result = run(repo, "endpoints")
    assert result.status == 2
    assert not result.report.exists()


def test_no_tests_yet_is_said_as_skipped(make_repo: MakeRepo) -> None:
    result = run(with_starter(make_repo, "unit-tests"), "unit-tests")
    suite = ET.fromstring(result.report.read_text()).find("testsuite")
    assert suite is not None and suite.get("skipped") == "1"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("tests/test_x.py", "def test_it():\n    assert False\n", "written for pytest"),
        ("tests/test_x.py", "class TestIt:\n    def test_it(self): assert 0\n", "for pytest"),
        ("tests/unit/test_x.py", UNITTEST, "not where unittest looks"),
        ("tests/x_test.py", UNITTEST, "not where unittest looks"),
    ],
)
def test_tests_that_would_never_run_are_no_pass(
    make_repo: MakeRepo, name: str, text: str, said: str
) -> None:
    repo = with_starter(make_repo, "unit-tests")
    commit(repo, {"tests/test_first.py": UNITTEST, name: text})
    result = run(repo, "unit-tests")
    assert result.status == 2 and not result.report.exists()
    assert said in result.output and name in result.output


def test_imports_resolve_the_way_bundlers_do(make_repo: MakeRepo) -> None:
    repo = with_starter(make_repo, "components")
    commit(
        repo,
        {
            "src/app.tsx": "import a from './lib'\nimport './app.css'\nimport b from './b.js'\n"
            "import logo from './logo.svg?raw'\n// import x from './gone'\nimport r from 'react'\n",
            "src/lib/index.ts": "export default 1\n",
            "src/app.css": "",
            "src/b.ts": "",
            "src/logo.svg": "",
        },
    )
    result = run(repo, "components")
    assert result.status == 0, result.output


def test_a_shallow_clone_is_no_proof_that_nothing_changed(make_repo: MakeRepo) -> None:
    repo = with_starter(make_repo, "schema-evolution")
    commit(repo, {"migrations/0001_a.sql": "SELECT 1;"})
    shallow = repo.parent / "shallow"
    git(repo, "clone", "-q", "--depth", "1", repo.as_uri(), str(shallow))
    result = run(shallow, "schema-evolution")
    assert result.status == 2
    assert "shallow" in result.output
