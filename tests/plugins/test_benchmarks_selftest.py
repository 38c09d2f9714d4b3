"""The self-test measures for real, and notices a comparison that compares nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.cli.main import run
from orchestrator.plugins.builtin.benchmarks import execute, selftest
from orchestrator.plugins.builtin.benchmarks.interval import Comparison, Verdict, compare
from orchestrator.plugins.spec import Outcome


@pytest.mark.slow
def test_this_installation_finds_a_planted_slowdown_and_nothing_else() -> None:
    examined = selftest.examine()
    assert examined.outcome is not Outcome.FAILED
    assert len(examined.trials) == 2


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [(Verdict.FINE, "a planted slowdown of 50 %"), (Verdict.REGRESSED, "identical code")],
)
def test_a_comparison_that_always_says_the_same_is_called_broken(
    answer: Verdict,
    wrong: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(samples: Mapping[str, Sequence[float]], *rest: Any, **more: Any) -> list[Comparison]:
        return [replace(one, verdict=answer) for one in compare(samples, *rest, **more)]

    monkeypatch.setattr(execute, "compare", broken)
    assert run(["benchmark", "selftest"]) == 1
    out = capsys.readouterr().out
    assert f"WRONG  {wrong}: selftest: " in out and "BROKEN" in out
