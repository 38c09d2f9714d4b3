"""Progress as a run goes: a moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.text import Text

from orchestrator.plugins.spec import Check, CheckResult, Outcome
from orchestrator.policy.clause import Clause
from orchestrator.policy.verdict import Decision
from orchestrator.report.console import Progress, print_report
from orchestrator.report.evidence import limits
from orchestrator.report.explain import explain
from orchestrator.report.paper import Paper, Plain, Styled
from tests.report.golden import printed
from tests.report.samples import FULL, check, report


def run(paper: Paper) -> Progress:
    """A listener that has heard a whole run, with a check nobody planned before it."""
    progress = Progress(paper)
    checks = [Check(c.id, c.family, c.plugin, c.title) for c in FULL.checks]
    progress.finished(
        check("plugin:odd", "integrity", CheckResult(Outcome.ERRORED, "broken\nhint"))
    )
    progress.planned(checks)
    for planned, done in zip(checks, FULL.checks, strict=True):
        progress.started(planned)
        progress.finished(done)
    return progress


def terminal(stream: io.StringIO) -> Styled:
    return Styled(Console(file=stream, width=80, markup=False, force_terminal=True))


def test_without_a_terminal_each_check_is_a_line() -> None:
    stream = io.StringIO()
    run(Plain(stream))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "  ! errored       plugin:odd  0.0 s  broken hint"
    assert len(lines) == 1 + len(FULL.checks)
    assert lines[2] == "  ✗ failed        service/tests  1.2 s  1 of 12 tests failed"


def test_in_ci_there_are_lines_on_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    stream = io.StringIO()
    run(terminal(stream))
    assert "service/tests" in stream.getvalue() and "\x1b[?25l" not in stream.getvalue()


def test_on_a_terminal_the_bar_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    stream = io.StringIO()
    progress = run(terminal(stream))
    text = stream.getvalue()
    seen = [Text.from_ansi(line).plain for line in text.split("\r")]
    assert any("7/8" in line and "benchmarks/search" in line for line in seen)
    assert progress.bar is None
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is shown again"
    progress.close()


def test_on_a_narrow_terminal_long_names_make_room_for_the_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    stream = io.StringIO()
    progress = Progress(terminal(stream))
    checks = [Check(f"data/{'long-' * 9}{n}", "integrity", "p", "a") for n in range(3)]
    progress.planned(checks)
    for planned in checks:
        progress.started(planned)
    progress.close()
    seen = [Text.from_ansi(line).plain for line in stream.getvalue().split("\r")]
    assert any("0/3" in line and "data/long-" in line and "…" in line for line in seen)


def test_a_run_that_was_interrupted_gives_the_terminal_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stream = io.StringIO()
    progress = Progress(terminal(stream))
    progress.planned([Check("a", "integrity", "p", "a"), Check("b", "integrity", "p", "b")])
    progress.started(Check("a", "integrity", "p", "a"))
    progress.close()
    progress.close()
    assert stream.getvalue().endswith("\x1b[?25h") or "\x1b[?25h" in stream.getvalue()


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (report(), "passed: nothing to check"),
        (report(check("a", "integrity", CheckResult(Outcome.PASSED))), "passed: 1 check in 12.3 s"),
        (
            report(check("a", "integrity", CheckResult(Outcome.ERRORED, "x")), seconds=125.4),
            "could not tell: 1 check in 2 min 5 s (1 errored)",
        ),
        (
            report(check("a", "integrity", CheckResult(Outcome.FAILED, "x"), preexisting=True)),
            "passed: 1 check in 12.3 s (1 failing on the base too)",
        ),
        (report(conflicts=("a", "b")), "failed: 2 files in conflict, nothing was run"),
    ],
)
def test_the_last_line_is_the_verdict(found: object, line: str) -> None:
    assert printed(found).splitlines()[-1] == line  # type: ignore[arg-type]  # parametrized


def test_a_terminal_shows_the_same_words_as_a_file() -> None:
    output = CheckResult(Outcome.ERRORED, "why", output="a\tb\n\tc  \n" + "x" * 200)
    for found in (FULL, report(check("a", "integrity", output))):
        stream = io.StringIO()
        print_report(found, terminal(stream))
        shown = [Text.from_ansi(line).plain for line in stream.getvalue().splitlines()]
        assert shown == printed(found).splitlines()


def test_nothing_depends_on_colour() -> None:
    for outcome in Outcome:
        text = printed(report(check("a", "integrity", CheckResult(outcome, "why"))))
        assert str(outcome).replace("_", " ") in text


def test_an_explanation_of_a_rule_that_errs_says_why_and_shows_no_control_characters() -> None:
    clause = Clause("approve_when", "report.x == '\x1b'", None, {}, "report has no \x1b field")
    text = explain(
        Decision("escalate", "approve_when", clause.expression, "it \x1b errs", {"a": "\x1b[2J"},
                 ("one", "two"), (clause,), errored=True)
    )  # fmt: skip
    assert "\x1b" not in text
    assert text.splitlines()[-1] == "                       report has no \\x1b field"
    assert "to be decided otherwise, all of:\n  one\n  two" in text


def test_where_no_rule_decides_the_explanation_says_so() -> None:
    assert explain(Decision("escalate", "none", "", "why")).startswith(
        "escalated because no rule decides"
    )


def test_how_far_the_verdict_of_a_contract_goes_is_said() -> None:
    data = {
        "kind": "openapi",
        "compatibility": "full",
        "content_model": "closed",
        "compared_with": ["base", "a1", "a2", "a3"],
        "not_examined": ["callbacks", "links"],
        "undecided": [{"surface": "GET /a", "reason": "no proof\x1b"}],
    }
    result = CheckResult(Outcome.INCONCLUSIVE, "no proof", data=data)
    assert limits(check("contracts/api", "contracts", result)) == [
        "full, compared with base, a1, a2 and 1 more, content model closed",
        "not examined: callbacks, links",
        "GET /a undecided: no proof\\x1b",
    ]
