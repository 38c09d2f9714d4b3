"""The reference pages say what the code says, and the glossary has every word."""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from orchestrator.errors import EXIT
from orchestrator.lifecycle.states import Event, State
from orchestrator.plugins.spec import FAMILIES, Outcome, Severity

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["states.md", "exit-codes.md", "errors.md"])
def test_a_page_made_from_code_is_current(generate: ModuleType, page: str) -> None:
    """If this fails: ``python docs/generate.py``."""
    assert (ROOT / "docs" / "reference" / page).read_text() == generate.PAGES[page]()


def test_no_two_error_classes_have_the_same_code(generate: ModuleType) -> None:
    codes = Counter(error.code for error in generate.error_classes())
    assert [code for code, uses in codes.items() if uses > 1] == []


def test_every_error_class_says_when_it_happens_and_what_to_do(generate: ModuleType) -> None:
    terse = [
        error.__name__
        for error in generate.error_classes()
        if len((inspect.getdoc(error) or "").splitlines()) < 3
    ]
    # These two are as general as their one line says.
    assert set(terse) <= {"GitError", "NotARepository", "UsageError"}


def glossary() -> str:
    return (ROOT / "docs" / "glossary.md").read_text()


@pytest.mark.parametrize(
    "word",
    [*State, *Event, *Outcome, *Severity, *FAMILIES],
)
def test_the_glossary_has_every_value_people_meet(word: str) -> None:
    assert re.search(rf"[`*]{re.escape(word)}[`*]", glossary()), word


#: Sections of the file, not things in it.
_PLAIN = {"Config", "Verification", "Approval"}


def test_the_glossary_has_the_noun_of_every_class_of_the_configuration() -> None:
    from orchestrator.config import model

    words = {word.casefold() for word in re.findall(r"\*\*([^*]+)\*\*", glossary())}
    wanted = {
        re.sub(r"(?<!^)(?=[A-Z])", " ", name).split()[-1].casefold()
        for name in model.__all__
        if name not in _PLAIN
    }
    assert wanted - words == set()


def test_exit_codes_are_told_apart() -> None:
    assert len(set(EXIT.values())) == len(EXIT)


def test_every_relative_link_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []
