"""Annotations are commands of ours only, whatever a check said; the summary fits."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.cli.main import run
from orchestrator.plugins.spec import CheckResult, Finding, Outcome, Severity
from orchestrator.report import github, render
from tests.conftest import MakeRepo
from tests.report.samples import FULL, HOSTILE, check, report

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def parsed(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Each line as the runner reads it: level, properties and message."""

    def plain(part: str) -> str:
        for code, character in (("%3A", ":"), ("%2C", ","), ("%0A", "\n"), ("%0D", "\r")):
            part = part.replace(code, character)
        return part.replace("%25", "%")

    found = []
    for line in text.splitlines()[:-1]:
        match = COMMAND.fullmatch(line)
        assert match, line
        pairs = (pair.partition("=") for pair in match[2].split(","))
        found.append((match[1], {k: plain(v) for k, _, v in pairs}, plain(match[3])))
    return found


def test_every_finding_is_an_annotation_at_its_place() -> None:
    text = render(FULL, "github")
    lines = parsed(text)
    place = {"file": "tests/service/test_api.py", "line": "31"}
    assert any(level == "error" and place.items() <= at.items() for level, at, _ in lines)
    findings = FULL.findings()
    assert len([1 for _, at, _ in lines if "file" in at]) == sum(bool(f.file) for _, f in findings)
    assert text.splitlines()[-1].startswith("orchestrate failed: ")


@pytest.mark.parametrize(
    "said", [HOSTILE, "a\n::set-env name=X::y", "a\r\n::error::b", "100% :: a,b%0A", "::stop"]
)
def test_nothing_that_was_said_becomes_a_command(said: str) -> None:
    finding = Finding(f"rule,line=9::{said}", Severity.DANGEROUS, said, f"a,b:{said}", 3)
    failed = check(said, "integrity", CheckResult(Outcome.FAILED, said, (finding,)))
    errored = check("other", "integrity", CheckResult(Outcome.ERRORED, said))
    text = render(replace(report(failed, errored), warnings=(said,)), "github")
    lines = parsed(text)
    assert [level for level, _, _ in lines] == ["warning", "error", "warning"]
    assert lines[0][1]["line"] == "3" and set(lines[0][1]) == {"file", "line", "title"}


def test_a_long_summary_is_cut_before_github_drops_it() -> None:
    finding = Finding("r", Severity.BREAKING, "m" * 15_000)
    checks = [
        check(f"c{n}", "integrity", CheckResult(Outcome.FAILED, "r" * 16_000, (finding,)))
        for n in range(80)
    ]
    text = github.job_summary(report(*checks))
    assert len(text.encode()) < 1 << 20 and text.endswith("in the other reports.\n")
    assert github.job_summary(FULL) == render(FULL, "markdown")


def test_verify_adds_to_the_summary_of_the_job(
    make_repo: MakeRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    summary = tmp_path / "summary.md"
    summary.write_text("another step\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    counting = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done"
    shop = make_repo({
        "bad.sh": f"{counting}; printf '\\033[31m'; exit 1\n",
        "config/orchestrate.yaml": "version: 1\nproject: shop\nlayers:\n"
        "  data: {paths: ['**'], checks: [{name: bad, run: sh bad.sh}]}\n",
    })  # fmt: skip
    monkeypatch.chdir(shop)
    files = {form: tmp_path / form for form in ("junit", "sarif", "json")}
    asked = [
        part for form, file in files.items() for part in ("--report", form, "--output", str(file))
    ]
    assert run(["verify", *asked, "--report", "github"]) == 1
    assert parsed(capsys.readouterr().out)[0][0] == "error"
    assert summary.read_text().startswith("another step\n# Verification of ")
    assert all(file.stat().st_size for file in files.values())
    named = re.search(r"all of it: (\S+?)\)", files["junit"].read_text())
    assert named
    whole = Path(named[1]).read_text()
    assert "line 0\n" in whole and "line 2999\n" in whole and "\x1b" not in whole
    assert "\\x1b[31m" in whole
    assert "line 0\n" not in files["junit"].read_text()
