"""Write the reference pages that are made from the code: ``python docs/generate.py [--check]``.

``--check`` writes nothing and exits with 1 when a page is not current.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import orchestrator
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.lifecycle.states import STATUS_OF_STATE, TRANSITIONS, State, possible

__all__ = ["PAGES", "error_classes", "main"]

REFERENCE = Path(__file__).parent / "reference"

_STATES = {
    State.STANDBY: "It has no task and waits for one.",
    State.ACTIVE: "It works on its task.",
    State.HANDOFF_READY: "It marked a commit ready; nobody verifies it yet.",
    State.VERIFICATION: "The coordinator verifies the commit as it would land.",
    State.APPROVED: "The work is approved and about to land.",
    State.FAILED: "The work was rejected, with findings.",
    State.REMEDIATION: "It mends what was found.",
    State.HANDOFF_COMPLETE: "The work is on the integration branch.",
}

_EXITS = {
    "ok": "It is done; for `verify`: passed.",
    "failed": "A plain no: the verification failed, a condition does not hold.",
    "usage": "The command, the configuration or the place it was called in is wrong.",
    "unknown": "It could not be told: a check errored, was inconclusive or did not run; "
    "or a defect of our own.",
    "held": "Somebody else holds it.",
    "expired": "Your hold on it ran out.",
    "conflict": "Somebody else changed it at the same moment; nothing was changed here.",
    "stale": "What you refer to has moved on.",
}

_GROUPS = {
    "E0": "General",
    "E1": "Configuration and set-up",
    "E2": "Store",
    "E3": "Lifecycle and coordination",
    "E4": "Git, checkouts and transfer",
    "E5": "Plugins and verification",
    "E6": "Policy, escalation and reports",
    "E7": "Inside a client: hooks, settings, MCP, git hooks",
}


def states() -> str:
    """The states, the events and the diagram."""
    lines = [
        "# States and events",
        "",
        "An instance is in one of eight states. An event moves it, if its condition holds;",
        "a refused event changes nothing and says what is possible.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> STANDBY",
        *(
            f"    {source} --> {row.target}: {row.event}"
            for row in TRANSITIONS
            for source in row.sources
        ),
        "```",
        "",
        "## States",
        "",
        "| state | meaning | `status` in the status document | events possible here |",
        "|---|---|---|---|",
        *(
            f"| `{state}` | {_STATES[state]} | {STATUS_OF_STATE[state]} "
            f"| {', '.join(possible(state))} |"
            for state in State
        ),
        "",
        "## Events",
        "",
        "| event | from | to | condition |",
        "|---|---|---|---|",
        *(
            f"| `{row.event}` | {', '.join(f'`{s}`' for s in row.sources)} | `{row.target}` "
            f"| {row.guard} |"
            for row in TRANSITIONS
        ),
    ]
    return _page(lines)


def exit_codes() -> str:
    """Every exit status of a command."""
    lines = [
        "# Exit codes",
        "",
        "Every command ends with one of these.",
        "",
        "| status | name | meaning |",
        "|---|---|---|",
        *(f"| {number} | {name} | {_EXITS[name]} |" for name, number in EXIT.items()),
        "| 130 | interrupted | Ctrl-C, or an answer that was broken off. |",
        "| 141 | closed | Whoever read the output stopped reading. |",
    ]
    return _page(lines)


def errors() -> str:
    """Every error class and every problem of a configuration, by code."""
    lines = [
        "# Errors",
        "",
        "What can go wrong in ways orchestrate knows about. An error is printed with its code,",
        "what happened, where, and what to do. `exit` is the status of the command.",
    ]
    entries = sorted([*_class_entries(), *_problem_entries()])
    for group, members in groupby(entries, key=lambda entry: entry[0][:2]):
        lines += ["", f"## {_GROUPS[group]}"]
        for code, title, text in members:
            lines += ["", f"### {code} {title}", "", text]
    return _page(lines)


def _class_entries() -> list[tuple[str, str, str]]:
    return [(c.code, c.__name__, _described(c)) for c in error_classes()]


def _described(error: type[OrchestrateError]) -> str:
    first, _, rest = (inspect.getdoc(error) or "").partition("\n")
    return f"**{first}** (exit {error.exit_status})\n\n{rest.strip()}".strip()


def _problem_entries() -> list[tuple[str, str, str]]:
    """The problems a configuration can have: they have codes, but are no classes."""
    from orchestrator.config.problems import CODES

    return [
        (code, "in the configuration", f"**{entry.title}** (exit {EXIT['usage']})\n\n{entry.text}")
        for code, entry in CODES.items()
    ]


def error_classes() -> list[type[OrchestrateError]]:
    """Every error class of the package, by code."""
    for module in pkgutil.walk_packages(orchestrator.__path__, "orchestrator."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: set[type[OrchestrateError]] = {OrchestrateError}
    queue = [OrchestrateError]
    while queue:
        new = queue.pop().__subclasses__()
        queue += new
        found.update(c for c in new if c.__module__.startswith("orchestrator."))
    return sorted(found, key=lambda error: (error.code, error.__name__))


def _page(lines: list[str]) -> str:
    made = "<!-- Made by docs/generate.py from the code: change it there. -->"
    return "\n".join([made, "", *lines]) + "\n"


#: File name under ``docs/reference`` → what makes it.
PAGES: dict[str, Callable[[], str]] = {
    "states.md": states,
    "exit-codes.md": exit_codes,
    "errors.md": errors,
}


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` name those that are not current."""
    stale = 0
    for name, render in PAGES.items():
        path = REFERENCE / name
        text = render()
        if path.exists() and path.read_text() == text:
            continue
        stale += 1
        if "--check" in arguments:
            print(f"docs/reference/{name} is not current: python docs/generate.py", file=sys.stderr)
        else:
            path.write_text(text)
            print(f"wrote docs/reference/{name}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
