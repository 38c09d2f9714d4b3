"""What is a break to a caller of a Python package, and what only looks like one."""

from __future__ import annotations

import pytest

from orchestrator.plugins.spec import CheckResult, Outcome, Severity
from tests.conftest import MakeRepo, commit, git
from tests.plugins.test_contracts_python import check

BASES = "import typing\nT = typing.TypeVar('T')\nclass Old: ...\nclass Field(Old): ...\n"
FUNCTIONS = "class A:\n    def f(self, cb, /, *args, **kw): ...\n"
REQUEST = "def __getattr__(name):\n    if name in {'X', 'Y'}:\n        return 1\n    raise AttributeError\n"  # noqa: E501


def between(make_repo: MakeRepo, old: dict[str, str], new: dict[str, str]) -> CheckResult:
    repo = make_repo({f"src/shop/{name}": text for name, text in old.items()})
    base = git(repo, "rev-parse", "HEAD")
    gone = {f"src/shop/{name}": None for name in old if name not in new}
    commit(repo, {**{f"src/shop/{name}": text for name, text in new.items()}, **gone})
    return check(repo, base)


def said(result: CheckResult) -> list[tuple[str, Severity, str]]:
    return [(f.rule.removeprefix("python."), f.severity, f.message) for f in result.findings]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # By place only, in the old spelling and in the new one; renamed **others.
        (FUNCTIONS.replace("self, cb, /", "__self, __cb"), FUNCTIONS),
        (FUNCTIONS, FUNCTIONS.replace("cb", "call").replace("**kw", "**words")),
        # What only type checkers read, and attributes that are made from arguments.
        ("import typing as t\nT = t.TypeVar('T', bound=t.Union[int, str])\n",
         "import typing as t\nT = t.TypeVar('T', bound='int | str')\n"),
        ("class A:\n    def __init__(self, a): self.a = a\n",
         "class A:\n    def __init__(self, a): self.a = tuple(a)\n"),
        ("D = {'a': 1}\n", 'D = {"a":1}\n'),
        # Bases: written with their parameters now, and a new one in between.
        (f"{BASES}class Number(Field, typing.Generic[T]): ...\n",
         f"{BASES}class Mid(Field): ...\nclass Number(Mid): ...\n"),
    ],
)  # fmt: skip
def test_what_no_caller_notices_is_no_finding(make_repo: MakeRepo, old: str, new: str) -> None:
    result = between(make_repo, {"__init__.py": old}, {"__init__.py": new})
    assert (result.outcome, said(result)) == (Outcome.PASSED, [])


def test_a_member_that_all_inherit_is_gone_once(make_repo: MakeRepo) -> None:
    classes = "".join(f"class C{n}(Field): ...\n" for n in range(5))
    text = f"class Field:\n    a = 1\n    def fail(self): ...\n{classes}"
    new = text.replace("    def fail(self): ...\n", "")
    result = between(make_repo, {"__init__.py": text}, {"__init__.py": new})
    [finding] = result.findings
    assert finding.message == "shop.Field.fail: it is gone, and so are 5 that inherit it"
    assert finding.evidence["counterexample"] == "shop.Field.fail"


def test_one_function_is_one_finding_with_both_signatures(make_repo: MakeRepo) -> None:
    old = "from ._bar import bar as bar\n"
    result = between(
        make_repo,
        {"__init__.py": old, "_bar.py": "def bar(a, b=1, c=2, d=3, *, e=4): ...\n"},
        {"__init__.py": old, "_bar.py": "def bar(a, new=0, b=1, c=2, d=3, *, e=4): ...\n"},
    )
    [finding] = result.findings
    assert finding.message == "shop.bar(): parameters b, c, d are at other places"
    assert finding.evidence["counterexample"] == "shop.bar(a, b)"
    assert finding.evidence["after"] == "(a, new=0, b=1, c=2, d=3, *, e=4)"


def test_a_renamed_parameter_is_told_as_such(make_repo: MakeRepo) -> None:
    result = between(
        make_repo, {"__init__.py": "def f(old): ...\n"}, {"__init__.py": "def f(new): ...\n"}
    )
    assert [f.message for f in result.findings] == ["shop.f(): parameter old is called new now"]


@pytest.mark.parametrize("line", ["from .core import X as X, Y as Y", "from shop.core import X, Y"])
def test_a_re_export_that_is_dropped_is_gone(make_repo: MakeRepo, line: str) -> None:
    core = "class X: ...\nclass Y: ...\n"
    result = between(
        make_repo,
        {"__init__.py": f"{line}\n", "core.py": core},
        {"__init__.py": "from .core import Y as Y\n", "core.py": core},
    )
    [finding] = result.findings
    assert finding.evidence["counterexample"] == "from shop import X"
    assert finding.evidence["now_at"] == "shop.core.X"
    assert "import it from shop.core" in (finding.remedy or "")


def test_a_name_that_is_made_on_request_is_deprecated_not_gone(make_repo: MakeRepo) -> None:
    result = between(make_repo, {"__init__.py": "X = 1\n"}, {"__init__.py": REQUEST})
    assert result.outcome is Outcome.PASSED
    assert [line[:2] for line in said(result)] == [("object-deprecated", Severity.DANGEROUS)]


def test_a_name_that_may_be_made_on_request_is_inconclusive(make_repo: MakeRepo) -> None:
    lazy = "import other\ndef __getattr__(name):\n    return getattr(other, name)\n"
    result = between(make_repo, {"__init__.py": "X = 1\n"}, {"__init__.py": lazy})
    assert result.outcome is Outcome.INCONCLUSIVE


def test_a_name_that_was_made_on_request_is_gone(make_repo: MakeRepo) -> None:
    new = REQUEST.replace("'X', ", "")
    result = between(make_repo, {"__init__.py": REQUEST}, {"__init__.py": new})
    assert said(result) == [("object-removed", Severity.BREAKING, "shop.X: it is gone")]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (f"{BASES}class Number(Field): ...\n", f"{BASES}class Number(Old): ...\n",
         "shop.Number: it is no shop.Field any more"),
        ("def f(): ...\n", "async def f(): ...\n", "shop.f: it has to be awaited now"),
        ("class A:\n    def __init__(self): self.x = []\n",
         "class A:\n    @property\n    def x(self): ...\n",
         "shop.A.x: it is computed now, by a property (attribute -> property)"),
    ],
)  # fmt: skip
def test_what_the_library_does_not_see(
    make_repo: MakeRepo, old: str, new: str, message: str
) -> None:
    result = between(make_repo, {"__init__.py": old}, {"__init__.py": new})
    assert [f.message for f in result.findings] == [message]


def test_the_worst_comes_first_and_long_values_stay_in_the_evidence(make_repo: MakeRepo) -> None:
    old = f"WORDS = {['a' * 9] * 20}\ndef f(): ...\n"
    new = old.replace("aaaaaaaaa", "bbbbbbbbb").replace("f()", "f(x)")
    result = between(make_repo, {"__init__.py": old}, {"__init__.py": new})
    first, second = result.findings
    assert first.message == "shop.f(): parameter x is new and required"
    assert second.message == "shop.WORDS: attribute value was changed"
    assert str(second.evidence["after"]).count("bbbbbbbbb") == 20
