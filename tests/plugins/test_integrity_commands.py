"""A layer's command is judged by its exit status and its report together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config.model import Check, Layer
from orchestrator.plugins.builtin import integrity
from orchestrator.plugins.spec import CheckResult, Outcome, Severity
from orchestrator.testing import plugins as harness

JUNIT = {"format": "junit"}


def run(folder: Path, command: str, report: dict[str, Any] | None = None, **options: Any) -> Any:
    """Plan and execute one command of the layer ``app`` in ``folder``."""
    layer = Layer("app", ("**",), checks=(Check("tests", run=command, report=report),))
    settings = harness.config(layers={"app": layer})
    [check] = harness.plan(integrity, settings)
    where = harness.context(folder, folder.parent / "scratch", settings=settings, **options)
    return harness.execute(integrity, check, where)


def writes(text: str, code: int = 0, to: str = "{report}") -> str:
    """A command that writes ``text`` as its report and exits with ``code``."""
    return f"cat > {to} <<'END'\n{text}\nEND\nexit {code}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return harness.write(tmp_path / "checkout", {"app/core.py": "x = 1\n"})


def test_command_without_report_is_judged_by_its_exit_status(folder: Path) -> None:
    assert run(folder, "echo fine").outcome is Outcome.PASSED
    failed = run(folder, "echo broken >&2; exit 3")
    assert (failed.outcome, failed.reason) == (Outcome.FAILED, "exit status 3")
    [finding] = failed.findings
    assert finding.rule == "command.failed" and finding.severity is Severity.BREAKING
    assert "broken" in finding.evidence["output"] and "exit 3" in finding.remedy


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("no-such-command-anywhere", "could not be started"),
        ("exit 126", "could not be started"),
        ("exit 127", "could not be started"),
        ("kill -9 $$", "ended by signal 9"),
        (f"{sys.executable} -c 'import os; os.abort()'; kill -11 $$", "ended by signal 11"),
    ],
)
def test_command_that_could_not_run_is_errored(folder: Path, command: str, reason: str) -> None:
    result = run(folder, command)
    assert result.outcome is Outcome.ERRORED
    assert reason in result.reason
    assert result.findings == ()


def test_command_that_does_not_end_is_errored(folder: Path) -> None:
    result = run(folder, "sleep 60", timeout=0.3)
    assert result.outcome is Outcome.ERRORED and "did not end within 0.3 s" in result.reason


GOOD = '<testsuite name="s" tests="1"><testcase classname="a" name="b" time="0.5"/></testsuite>'
BAD = (
    '<testsuite name="s"><testcase classname="a" name="b"/>'
    '<testcase classname="a" name="c"><failure message="no">app/core.py:1: no</failure></testcase>'
    '<testcase classname="a" name="d"><error message="setup">x</error></testcase>'
    '<testcase classname="a" name="e"><skipped/></testcase></testsuite>'
)


def test_metrics_and_findings_come_from_the_report(folder: Path) -> None:
    result = run(folder, writes(BAD, 1), JUNIT)
    assert (result.outcome, result.reason) == (Outcome.FAILED, "2 tests failed")
    assert {k.removeprefix("tests."): v for k, v in result.metrics.items()} == {
        "total": 4, "passed": 1, "failed": 1, "errored": 1, "skipped": 1, "flaky": 0, "seconds": 0,
    }  # fmt: skip
    assert [(f.rule, f.file, f.line) for f in result.findings] == [
        ("tests.failed", "app/core.py", 1),
        ("tests.errored", None, None),
    ]


def test_report_with_failures_is_failed_although_the_command_exits_0(folder: Path) -> None:
    assert run(folder, writes(BAD, 0), JUNIT).outcome is Outcome.FAILED


def test_exit_status_that_the_report_does_not_explain_is_errored(folder: Path) -> None:
    result = run(folder, writes(GOOD, 3), JUNIT)
    assert result.outcome is Outcome.ERRORED
    assert result.reason == "exit status 3, although its report shows no failure"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (": {report}", "was not written"),
        ("echo no compiler >&2; exit 1 # {report}", "was not written (exit status 1: no compiler)"),
        (": > {report}", "is empty"),
        ("echo hello > {report}", "neither XML nor JSON"),
        ("echo '<testsuite><testcase' > {report}", "not valid XML"),
        ("echo '<html/>' > {report}", "no known kind: <html>"),
        ("echo '[1' > {report}", "not valid JSON"),
        ("mkdir {report}", "was not written"),
        ("mkfifo {report}", "not a regular file"),
        ("truncate -s 40M {report}", "the limit is 32 MiB"),
        ("echo '<testsuite/>' > {report}", "no test ran"),
        (writes('<testsuites><testsuite tests="0"/></testsuites>', 5), "no test ran (exit status"),
        (writes(GOOD.replace("/></t", "><skipped/></testcase></t")), "all 1 were skipped"),
        (writes('{"version": "2.1.0", "runs": [{"results": []}]}'), "junit was promised"),
        (writes(GOOD.replace("0.5", "soon")), "a test's time is not a number"),
        (writes(GOOD.replace("0.5", "nan")), "a test's time is not a number"),
    ],
)
def test_report_that_cannot_be_used_is_errored_never_zero_failures(
    folder: Path, command: str, reason: str
) -> None:
    result = run(folder, command, JUNIT)
    assert result.outcome is Outcome.ERRORED
    assert reason in result.reason


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;">]>'
    "<testsuite><testcase name='&b;'/></testsuite>"
)
EXTERNAL = (
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    "<testsuite><testcase name='t'><failure>&a;</failure></testcase></testsuite>"
)


@pytest.mark.parametrize("text", [LAUGHS, EXTERNAL])
def test_xml_that_declares_entities_is_refused(folder: Path, text: str) -> None:
    result = run(folder, writes(text), JUNIT)
    assert result.outcome is Outcome.ERRORED and "declares entities" in result.reason


def test_deeply_nested_reports_are_errored(folder: Path) -> None:
    python = f"{sys.executable} -c "
    suites = python + '\'print("<testsuite>" * 5000 + "</testsuite>" * 5000)\' > {report}'
    assert run(folder, suites, JUNIT).outcome is Outcome.ERRORED
    objects = python + "'print(\"[\" * 200000)' > {report}"
    assert "nested too deeply" in run(folder, objects).reason


def test_a_report_that_was_there_before_does_not_speak_for_this_run(folder: Path) -> None:
    harness.write(folder, {"build/tests.xml": GOOD})
    report = {"format": "junit", "path": "build/*.xml"}
    stale = run(folder, "true", report)
    assert stale.outcome is Outcome.ERRORED and "was not written" in stale.reason
    assert (folder / "build" / "tests.xml").exists()
    fresh = run(folder, writes(GOOD, to="build/tests.xml"), report)
    assert fresh.outcome is Outcome.PASSED and fresh.metrics["tests.total"] == 1


@pytest.mark.parametrize("pattern", ["../outside.xml", "/etc/*.xml", "link/*.xml", "a**b"])
def test_a_report_path_never_leaves_the_checkout(folder: Path, pattern: str) -> None:
    outside = harness.write(folder.parent / "outside", {"a.xml": GOOD})
    harness.write(folder.parent, {"outside.xml": GOOD})
    (folder / "link").symlink_to(outside)
    result = run(folder, "true", {"format": "junit", "path": pattern})
    assert result.outcome is Outcome.ERRORED
    assert (outside / "a.xml").exists() and (folder.parent / "outside.xml").exists()


def test_a_report_may_be_what_the_command_prints(folder: Path) -> None:
    command = f"echo progress >&2; cat <<'END'\n{GOOD}\nEND"
    assert run(folder, command, JUNIT).metrics["tests.passed"] == 1


def test_a_check_that_has_no_place_for_its_report_is_told_so(folder: Path) -> None:
    result = run(folder, "true", {"format": "junit"})
    assert result.outcome is Outcome.ERRORED
    assert "write it to {report}" in result.reason


def test_what_runs_a_failed_check_again_can_be_pasted(folder: Path) -> None:
    failed = "<testsuite><testcase name='a'><failure/></testcase></testsuite>"
    result = run(folder, writes(failed), {"format": "junit"})
    [finding] = result.findings
    assert "{report}" not in finding.remedy
    again = finding.remedy.partition("run it again: ")[2]
    subprocess.run(["/bin/sh", "-c", again], cwd=folder, check=True)
    assert (folder / "report.out").read_text().strip() == failed


def test_a_folder_of_reports_is_one_report(folder: Path) -> None:
    cobertura = '<coverage line-rate="0.5" lines-covered="5" lines-valid="10"/>'
    command = (
        f"echo '{GOOD}' > {{report}}/one.xml; echo '{GOOD}' > {{report}}/two.xml;"
        f"echo '{cobertura}' > {{report}}/coverage.xml; echo x > {{report}}/note.txt"
    )
    result = run(folder, command, JUNIT)
    assert result.outcome is Outcome.PASSED
    assert result.metrics["tests.total"] == 2 and result.metrics["coverage.line"] == 0.5


def test_report_without_declared_format_is_recognised_by_content(folder: Path) -> None:
    assert run(folder, writes(GOOD)).metrics["tests.total"] == 1
    assert "was not written" in run(folder, "true # {report}").reason


def test_only_so_many_findings_are_kept_and_the_rest_is_counted(folder: Path) -> None:
    case = '<testcase name="t{}"><failure message="no"/></testcase>'
    text = "<testsuite>" + "".join(case.format(i) for i in range(250)) + "</testsuite>"
    result: CheckResult = run(folder, writes(text, 1), JUNIT)
    assert len(result.findings) == 200
    assert result.data["findings_not_shown"] == 50
    assert result.reason == "250 tests failed; 50 findings more than shown"


PYTEST = "python -m pytest -q -p no:cacheprovider -p no:randomly --junitxml {report} tests"


def test_a_failed_pytest_test_is_named_with_place_and_command(folder: Path) -> None:
    tests = "class TestSum:\n    def test_sum(self):\n        assert 1 + 1 == 3\n"
    harness.write(folder, {"tests/test_sum.py": tests})
    result = run(folder, PYTEST, JUNIT)
    [finding] = result.findings
    assert (finding.file, finding.line) == ("tests/test_sum.py", 3)
    assert finding.message == "tests.test_sum.TestSum::test_sum: assert (1 + 1) == 3"
    assert "pytest tests/test_sum.py::TestSum::test_sum" in finding.remedy
    assert "assert 1 + 1 == 3" in finding.evidence["trace"]
    assert str(folder) not in finding.evidence["trace"]


def test_pytest_that_collects_nothing_is_errored(folder: Path) -> None:
    harness.write(folder, {"tests/test_none.py": "x = 1\n"})
    result = run(folder, PYTEST, JUNIT)
    assert result.outcome is Outcome.ERRORED and result.reason.startswith("no test ran")


def test_the_same_failure_has_the_same_fingerprint_in_another_checkout(tmp_path: Path) -> None:
    tests = "def test_it():\n    o = object()\n    raise ValueError(f'{o} in {__file__}')\n"
    prints = set()
    for name in ("one", "two"):
        folder = harness.write(tmp_path / name / "checkout", {"tests/test_it.py": tests})
        [finding] = run(folder, PYTEST, JUNIT).findings
        prints.add(finding.fingerprint("app/tests"))
    assert len(prints) == 1
