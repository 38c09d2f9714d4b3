"""This repository's own check: the documentation knows every code and command.

Static: it reads the candidate's files and imports nothing of them. A new error
code, command or check family that no page mentions is a finding; so is a page
that mentions an error code that no longer exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.plugins.spec import (
    Check,
    CheckContext,
    CheckResult,
    Finding,
    Outcome,
    PlanRequest,
    PluginInfo,
    Severity,
    hookimpl,
)

_CODE = re.compile(r'^    code = "(E\d{3})"', re.MULTILINE)
_COMMAND = re.compile(r'^    "([a-z-]+)": \("[a-z_]+", "', re.MULTILINE)
_MENTION = re.compile(r"\bE[0-6]\d{2}\b")


@hookimpl
def orchestrate_plugin() -> PluginInfo:
    return PluginInfo("words", "1", "integrity")


@hookimpl
def orchestrate_plan(request: PlanRequest) -> list[Check]:
    if not request.project_wide:
        return []
    return [Check("project/words", "integrity", "words", "every code and command is documented")]


@hookimpl
def orchestrate_execute(check: Check, context: CheckContext) -> CheckResult:
    found = tuple(problems(Path(context.checkout)))
    if not found:
        return CheckResult(Outcome.PASSED)
    return CheckResult(Outcome.FAILED, f"{len(found)} words out of step", findings=found)


def problems(root: Path) -> Iterator[Finding]:
    """What the code has and the pages lack, and the other way round."""
    codes = _defined(root)
    page = root / "docs" / "reference" / "errors.md"
    errors = page.read_text() if page.exists() else ""
    for code, place in sorted(codes.items()):
        if f"### {code} " not in errors:
            yield _finding("words.code", f"{code} has no section in the reference", **place)
    yield from _commands(root)
    known = {*codes, *_MENTION.findall(errors)}
    for path in sorted((root / "docs").rglob("*.md")):
        for code in sorted(set(_MENTION.findall(path.read_text())) - known):
            file = str(path.relative_to(root))
            yield _finding("words.stale", f"{code} is mentioned, but no error has it", file=file)


def _defined(root: Path) -> dict[str, dict[str, Any]]:
    """Error code → the file and line of its class."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((root / "orchestrator").rglob("*.py")):
        text = path.read_text()
        for match in _CODE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found[match[1]] = {"file": str(path.relative_to(root)), "line": line}
    return found


def _commands(root: Path) -> Iterator[Finding]:
    """Commands that no page shows."""
    file = "orchestrator/cli/main.py"
    pages = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    text = "\n".join(page.read_text() for page in pages)
    for name in _COMMAND.findall((root / file).read_text()):
        if not re.search(rf"orchestrate {name}\b", text):
            yield _finding("words.command", f"no page shows `orchestrate {name}`", file=file)


def _finding(rule: str, message: str, **place: Any) -> Finding:
    remedy = "run docs/generate.py, or write the page that is missing"
    evidence: Mapping[str, Any] = {}
    return Finding(rule, Severity.BREAKING, message, remedy=remedy, evidence=evidence, **place)
