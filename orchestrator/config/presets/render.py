"""Writes a draft as ``orchestrate.yaml``: data plus the comments its owner needs.

Every string that comes from a repository is written as a double-quoted scalar,
because names may hold anything. Text only: writes no file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from orchestrator.config.presets.draft import (
    Draft,
    DraftCheck,
    DraftContract,
    DraftInstance,
    DraftLayer,
    DraftPrepare,
)

__all__ = ["render"]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*( [A-Za-z0-9_-]+)*")
_WORDS = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}


def render(draft: Draft) -> str:
    """The text of the configuration. It loads, and verifies what the draft says is active."""
    parts = [
        _head(draft),
        _coordinator(draft),
        _instances(draft),
        _layers(draft),
        _integration_tests(draft),
        _contracts(draft),
        _FLOWS.replace("VERIFICATION", f"{draft.prefix}verification"),
        _verification(draft),
        _RULES,
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def quoted(text: str) -> str:
    """A scalar: plain where nothing can be misread, else double-quoted (JSON is YAML here)."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def _list(items: Iterable[str]) -> str:
    return "[" + ", ".join(quoted(item) for item in items) + "]"


def _globs(items: Iterable[str]) -> Iterator[str]:
    return (json.dumps(item, ensure_ascii=False) for item in items)


def _commented(lines: Iterable[str], indent: int) -> list[str]:
    """Lines as comments that begin at ``indent``; taking off ``# `` restores them."""
    pad = " " * indent
    return [f"{pad}# {line[indent:]}" if line.strip() else f"{pad}#" for line in lines]


def _head(draft: Draft) -> str:
    preset = f"preset {draft.preset}" if draft.preset else "no preset fits"
    lines = [
        "# How several AI coding instances work on this repository together.",
        "#",
        "#   orchestrate config check     is this file right?",
        "#   orchestrate config schema    every key, with what it means",
        "#   orchestrate verify --all     run everything below, here and now",
        "#",
        f"# Written by `orchestrate init` ({preset}); from here on it is yours.",
    ]
    if draft.found:
        lines += ["# It was fitted to what is in this repository:"]
        lines += [f"#   - {_comment(item)}" for item in draft.found]
    return "\n".join([*lines, "version: 1", f"project: {quoted(draft.project)}"])


def _comment(text: str) -> str:
    """Text that stays on one line of comment."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _coordinator(draft: Draft) -> str:
    return f"""\
coordinator:
  instance: coordinator
  integration_branch: {quoted(draft.branch)}   # verified work lands here
  monitoring_interval: 30s
  transfer: merge
"""


def _instances(draft: Draft) -> str:
    lines = [
        "# Who works here. An instance owns the files that match its patterns; no two may share",
        "# one, and files that nobody owns are free. Add `worktree: ../NAME` to tie an instance to",
        "# a worktree of its own.",
        "instances:",
    ]
    for instance in draft.instances:
        lines += _instance(instance)
    return "\n".join(lines)


def _instance(instance: DraftInstance) -> list[str]:
    lines = [f"  {instance.id}:", f"    role: {quoted(instance.role)}"]
    if instance.specializations:
        lines += [f"    specializations: {_list(instance.specializations)}"]
    if instance.patterns:
        lines += ["    file_patterns:"]
        lines += [f"      - {pattern}" for pattern in _globs(instance.patterns)]
        lines += [f"      # - {pattern}" for pattern in _globs(instance.absent)]
    if instance.layers:
        lines += [f"    layers: {_list(instance.layers)}"]
    if instance.hands_off_to:
        lines += [f"    hands_off_to: {instance.hands_off_to}"]
    if not instance.active:
        return ["  # Nothing in the repository is its yet:", *_commented(lines, 2)]
    return lines


def _layers(draft: Draft) -> str:
    lines = [
        "# The architecture, lowest layer first. A change runs the checks of the layers it touches",
        "# and of those that depend on them. A check passes when its command ends with 0; one",
        "# that writes a report to {report} (junit, coverage, sarif, ctrf) also gives numbers to",
        '# gates such as `gates: ["tests.failed == 0", "coverage.line >= 0.8"]`.',
        "layers:",
    ]
    for layer in draft.layers:
        lines += _layer(layer)
    return "\n".join(lines)


def _layer(layer: DraftLayer) -> list[str]:
    lines = [f"  {layer.name}:   # {layer.about}"]
    if layer.kind:
        lines += [f"    kind: {layer.kind}"]
    lines += ["    paths:"]
    lines += [f"      - {path}" for path in _globs(layer.paths)]
    lines += [f"      # - {path}" for path in _globs(layer.absent)]
    if layer.depends_on:
        lines += [f"    depends_on: {_list(layer.depends_on)}"]
    lines += [
        f"    {key}: {name}"
        for key, name in (("input", layer.input), ("output", layer.output))
        if name
    ]
    lines += _checks(layer.checks, 4)
    if not layer.active:
        return ["  # Nothing in the repository looks like this layer yet:", *_commented(lines, 2)]
    return lines


def _checks(checks: Iterable[DraftCheck], indent: int, key: str = "checks") -> list[str]:
    """A list of checks; when none is active the key is a comment too."""
    chosen = list(checks)
    if not chosen:
        return []
    pad = " " * indent
    body: list[str] = []
    for check in chosen:
        lines = _check(check, indent + 2)
        body += lines if check.active else _commented(lines, indent + 2)
    if any(check.active for check in chosen):
        return [f"{pad}{key}:", *body]
    return [f"{pad}# {key}:", *body]


def _check(check: DraftCheck, indent: int) -> list[str]:
    pad = " " * indent
    lines = [f"{pad}# {_comment(check.why)}"] if check.why and check.active else []
    reason = f"   # {_comment(check.why)}" if check.why and not check.active else ""
    lines += [f"{pad}- name: {quoted(check.name)}{reason}"]
    lines += [f"{pad}  run: {json.dumps(check.run, ensure_ascii=False)}"]
    if check.report:
        lines += [f"{pad}  report: {{format: {check.report}}}"]
    return [*lines, f"{pad}  timeout: {check.timeout}"]


def _integration_tests(draft: Draft) -> str:
    lines = ["# What looks at the project as a whole, after the layers."]
    lines += _checks(draft.integration_tests, 0, "integration_tests")
    if not draft.integration_tests:
        lines += [
            "# integration_tests:",
            '#   - {name: end-to-end, run: "make e2e", timeout: 10m}',
        ]
    return "\n".join(lines)


def _contracts(draft: Draft) -> str:
    lines = [
        "# What layers promise each other. A version that breaks the one on the integration branch",
        "# is refused, with what would be lost. Name a contract as `input` or `output` of a layer.",
    ]
    active = any(contract.active for contract in draft.contracts)
    lines += ["contracts:" if active else "# contracts:"]
    for contract in draft.contracts:
        lines += _contract(contract)
    if not draft.contracts:
        path = json.dumps(f"{draft.prefix}verification/contracts/user.schema.json")
        lines += [f"#   user: {{kind: json-schema, path: {path}, compatibility: backward}}"]
    return "\n".join(lines)


def _contract(contract: DraftContract) -> list[str]:
    reason = f"   # {_comment(contract.why)}" if contract.why else ""
    lines = [f"  {contract.name}:{reason}", f"    kind: {contract.kind}"]
    lines += [f"    path: {json.dumps(contract.path, ensure_ascii=False)}"]
    if contract.package:
        lines += [f"    package: {contract.package}"]
    lines += ["    compatibility: backward"]
    if contract.samples:
        lines += [f"    samples: {json.dumps(contract.samples, ensure_ascii=False)}"]
    return lines if contract.active else _commented(lines, 0)


def _verification(draft: Draft) -> str:
    example = json.dumps(f"{draft.prefix}plugins/example.py", ensure_ascii=False)
    lines = [
        "verification:",
        "  budget: 15m        # for one whole run; what does not fit in is not run, never passed",
        "  parallel: 2",
        "  fail_fast: false",
        f"  # plugins: [{example}]   # a plugin of this repository, ready to be read",
    ]
    steps = [line for step in draft.prepare for line in _prepare(step)]
    if steps:
        active = any(step.active for step in draft.prepare)
        lines += ["  # Makes a fresh checkout usable; runs again only when these files change."]
        lines += ["  prepare:" if active else "  # prepare:", *steps]
    keep = sorted({step.keep for step in draft.prepare if step.keep and step.active})
    if keep:
        lines += [f"  keep: {_list(keep)}   # survives between checkouts"]
    return "\n".join(lines)


def _prepare(step: DraftPrepare) -> list[str]:
    reason = f"   # {_comment(step.why)}" if step.why else ""
    lines = [
        f"    - run: {json.dumps(step.run, ensure_ascii=False)}{reason}",
        f"      when_changed: {_list(step.when_changed)}",
    ]
    return lines if step.active else _commented(lines, 4)


_FLOWS = """\
# A payload sent through the layers for real, and what must be true of it afterwards.
# flows:
#   order:
#     steps:
#       - {name: enter, run: "python3 VERIFICATION/flows/enter.py", input: {item: pen}}
#       - {name: stored, run: "python3 VERIFICATION/flows/stored.py"}
#     invariants: ["steps.stored.output.item == 'pen'"]

# Measured against the integration branch in the same session, pair by pair.
# benchmarks:
#   search: {run: "python3 bench/search.py", max_regression: 5%, budget: 250ms}
"""

_RULES = """\
approval:
  auto: true          # false: a human is asked about everything that would be approved
  ownership: warn     # or: ask, deny (when an instance changes files of another)
  # The rules, in CEL; these are the defaults:
  # approve_when: >-
  #   report.failed == 0 && report.inconclusive == 0 && report.errored == 0
  #   && report.flaky == 0 && handoff.violations == 0
  # reject_when: "report.failed > 0"

escalation:
  threshold: critical_failures_only   # or: never_silent, every_failure
  levels:
    - {name: humans, ack_within: 4h, repeat: 3}
  always_when: ["handoff.attempt > 3"]

# What happens at once, without anybody being asked.
# emergency:
#   - {when: "instance.stale", do: [release_leases, return_task, notify]}
#   - {when: "integration.broken", do: [freeze, rollback, escalate]}
# notify: {team: "env:TEAM_WEBHOOK"}
"""
