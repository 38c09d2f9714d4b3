"""Contracts of kind ``python``: the public names of a package, never imported."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config.model import Contract
from orchestrator.plugins.builtin import contracts
from orchestrator.plugins.spec import CheckResult, Finding, Outcome, Severity
from orchestrator.testing import plugins as harness
from tests.conftest import MakeRepo, commit, git

OLD = '''"""A shop."""

raise SystemExit("a package that is compared must not be imported")

RATE = 3


class Basket:
    def add(self, name: str, count: int = 1) -> None: ...


def price(name: str, *, net: bool = False) -> int:
    return 1


def _private() -> None: ...
'''


def check(repo: Path, base: str | None = None, **options: Any) -> CheckResult:
    contract = Contract("shop", **{"kind": "python", "path": "src", "package": "shop", **options})
    settings = harness.config(contracts={"shop": contract})
    [planned] = harness.plan(contracts, settings, checkout=repo)
    scratch = repo.parent / f"scratch-{repo.name}-{len(list(repo.parent.iterdir()))}"
    where = harness.context(repo, scratch, base=base, settings=settings)
    return harness.execute(contracts, planned, where)


def edited(make_repo: MakeRepo, old: str, new: str) -> CheckResult:
    repo = make_repo({"src/shop/__init__.py": OLD})
    base = git(repo, "rev-parse", "HEAD")
    assert old in OLD
    commit(repo, {"src/shop/__init__.py": OLD.replace(old, new)})
    return check(repo, base)


@pytest.mark.parametrize(
    ("old", "new", "rule", "line"),
    [
        (", count: int = 1", "", "python.parameter-removed", 9),
        ("count: int = 1", "count: int", "python.parameter-changed-required", 9),
        ("name: str, *", "name: str, tax: int, *", "python.parameter-added-required", 12),
        ("class Basket:", "class Bag:", "python.object-removed", None),
        ("def price(", "def cost(", "python.object-removed", None),
    ],
)
def test_what_breaks_callers_is_found_with_its_place(
    make_repo: MakeRepo, old: str, new: str, rule: str, line: int | None
) -> None:
    result = edited(make_repo, old, new)
    assert result.outcome is Outcome.FAILED
    finding: Finding = next(f for f in result.findings if f.rule == rule)
    assert finding.file == "src/shop/__init__.py"
    assert finding.line == line
    assert finding.remedy
    assert finding.severity is Severity.BREAKING


def test_a_changed_value_is_dangerous_not_breaking(make_repo: MakeRepo) -> None:
    result = edited(make_repo, "RATE = 3", "RATE = 4")
    assert result.outcome is Outcome.PASSED
    [finding] = result.findings
    assert (finding.rule, finding.severity) == (
        "python.attribute-changed-value",
        Severity.DANGEROUS,
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [("def _private", "def _other"), ("count: int = 1", "count: int = 1, x: int = 0")],
)
def test_what_breaks_nobody_passes(make_repo: MakeRepo, old: str, new: str) -> None:
    result = edited(make_repo, old, new)
    assert result.outcome is Outcome.PASSED
    assert result.data["compared_with"] == ["base"]


def test_a_name_of_a_submodule_is_compared_too(make_repo: MakeRepo) -> None:
    repo = make_repo(
        {"shop/__init__.py": "", "shop/deep/__init__.py": "", "shop/deep/a.py": "X = 1\n"}
    )
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"shop/deep/a.py": "Y = 1\n"})
    for path in (".", "shop", "shop/__init__.py"):
        result = check(repo, base, path=path)
        assert result.outcome is Outcome.FAILED
        assert [f.evidence["object"] for f in result.findings] == ["shop.deep.a.X"]


def test_the_installed_package_of_the_same_name_is_never_analysed(make_repo: MakeRepo) -> None:
    repo = make_repo({"src/json/__init__.py": "def mine() -> None: ...\n"})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"src/json/__init__.py": "def yours() -> None: ...\n"})
    result = check(repo, base, package="json")
    assert [f.evidence["object"] for f in result.findings] == ["json.mine"]


def test_a_module_that_is_no_python_fails_with_its_line(make_repo: MakeRepo) -> None:
    repo = make_repo({"src/shop/__init__.py": "", "src/shop/bad.py": "x = 1\ndef (:\n"})
    result = check(repo)
    assert result.outcome is Outcome.FAILED
    [finding] = result.findings
    assert (finding.file, finding.line) == ("src/shop/bad.py", 2)


def test_a_package_that_is_gone_fails_and_a_new_one_passes_with_a_notice(
    make_repo: MakeRepo,
) -> None:
    repo = make_repo({"src/shop/__init__.py": OLD})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"src/shop/__init__.py": None, "src/store/__init__.py": "X = 1\n"})
    assert check(repo, base).outcome is Outcome.FAILED
    new = check(repo, base, package="store")
    assert new.outcome is Outcome.PASSED
    assert [finding.rule for finding in new.findings] == ["contract.new"]


def test_without_a_package_it_is_errored(make_repo: MakeRepo) -> None:
    assert check(make_repo(), package=None).outcome is Outcome.ERRORED


def test_a_base_that_is_not_here_is_errored(make_repo: MakeRepo) -> None:
    repo = make_repo({"src/shop/__init__.py": OLD})
    assert check(repo, "d" * 40).outcome is Outcome.ERRORED


CALLS = {
    "def f(a): ...": "f(a, b=b)",
    "def f(a, c, b=1): ...": "f(a)",
    "def f(a, b): ...": "f(a)",
    "def f(a, *, b=1): ...": "f(a, b)",
    "def f(x, a, b=1): ...": "f(a)",
    "def f(b=1, a=2): ...": "f(a)",
}


@pytest.mark.parametrize("new", CALLS)
def test_a_call_shows_what_breaks(make_repo: MakeRepo, new: str) -> None:
    repo = make_repo({"src/shop/__init__.py": "def f(a, b=1): ...\n"})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"src/shop/__init__.py": f"{new}\n"})
    shown = [f.evidence.get("counterexample") for f in check(repo, base).findings]
    assert f"shop.{CALLS[new]}" in shown
    took: dict[str, Any] = {}
    exec(f"def f(a, b=1): return a, b\nTOOK = {CALLS[new]}", {"a": "a", "b": "b"}, took)
    body = new.replace("...", "return a, locals().get('b', 1)")
    with contextlib.suppress(TypeError):
        exec(f"{body}\nMEANT = {CALLS[new]}", {"a": "a", "b": "b"}, took)
    assert took.get("MEANT") != took["TOOK"]


def test_a_method_is_called_without_its_self(make_repo: MakeRepo) -> None:
    text = "class A:\n    def m(self, a): ...\n    @staticmethod\n    def s(a): ...\n"
    repo = make_repo({"src/shop/__init__.py": text})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"src/shop/__init__.py": text.replace("a)", "a, b)")})
    shown = {f.evidence["counterexample"] for f in check(repo, base).findings}
    assert shown == {"shop.A.m(a)", "shop.A.s(a)"}
