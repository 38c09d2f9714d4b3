"""Python import rules: which layer of modules may import which.

The graph is built by ``import_graph`` in a process of its own, started in
isolated mode, so that the candidate's files are read and never what happens
to be imported here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from orchestrator.plugins.builtin.integrity.command import trouble
from orchestrator.plugins.builtin.integrity.reading import FINDING_LIMIT
from orchestrator.plugins.spec import (
    Check,
    CheckContext,
    CheckResult,
    Finding,
    Json,
    Outcome,
    Severity,
)

__all__ = ["execute"]

_PROGRAM = Path(__file__).with_name("import_graph.py")


def execute(check: Check, context: CheckContext) -> CheckResult:
    """Find every chain of imports that runs against the declared order."""
    layers = check.spec["imports"]["layers"]
    root = check.spec["imports"].get("root") or "."
    question = json.dumps({"checkout": context.checkout, "root": root, "layers": layers})
    ended = context.run([sys.executable, "-I", str(_PROGRAM)], stdin=question.encode())
    reason = trouble(ended, context.timeout)
    if reason is None and not ended.ok:
        reason = "the import graph could not be built"
    if reason is not None:
        return CheckResult(Outcome.ERRORED, reason, output=ended.output[-4000:])
    answer = json.loads(ended.stdout)
    if "error" in answer:
        return CheckResult(Outcome.ERRORED, answer["error"])
    return _judge(answer, layers)


def _judge(answer: Mapping[str, Json], layers: list[str]) -> CheckResult:
    findings = [_syntax(answer["syntax"])] if "syntax" in answer else []
    findings += [_chain(chain, layers) for chain in answer.get("chains", ())]
    surplus = len(findings) - FINDING_LIMIT
    more = f", {surplus} more than shown" if surplus > 0 else ""
    illegal = len(answer.get("chains", ()))
    said = [answer["syntax"]["file"] + " is not valid Python"] if "syntax" in answer else []
    said += [f"{illegal} forbidden import{'s' * (illegal > 1)}{more}"] if illegal else []
    return CheckResult(
        outcome=Outcome.FAILED if findings else Outcome.PASSED,
        reason=", ".join(said),
        findings=tuple(findings[:FINDING_LIMIT]),
        metrics={"imports.modules": answer.get("modules", 0), "imports.illegal": illegal},
        data={"order": layers},
    )


def _chain(chain: Mapping[str, Json], layers: list[str]) -> Finding:
    """``chain``: importer and imported layer, and its steps, the first one in ``file``."""
    lower, higher, steps = chain["importer"], chain["imported"], chain["steps"]
    first = steps[0]
    route = " → ".join([first["importer"], *(step["imported"] for step in steps)])
    return Finding(
        rule="imports.order",
        severity=Severity.BREAKING,
        message=f"{lower} must not import {higher}: {route}",
        file=first["file"],
        line=first["line"],
        remedy=(
            f"Imports go downward only ({' → '.join(layers)}). Move what is needed out of "
            f"{higher}, or pass it into {lower} as an argument."
        ),
        evidence={"importer": lower, "imported": higher, "chain": steps},
    )


def _syntax(error: Mapping[str, Json]) -> Finding:
    return Finding(
        rule="imports.syntax",
        severity=Severity.BREAKING,
        message="the file is not valid Python, so its imports cannot be read",
        file=error["file"],
        line=error["line"],
        remedy="Make the file parse.",
        evidence={"text": error["text"]},
    )
