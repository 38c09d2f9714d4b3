"""This repository's own check: experimental libraries stay behind one module each.

A library that may change under us, or that is a choice we may take back, is
imported in one place, so that one place changes with it. Static: it reads the
imports of the candidate's files and imports nothing of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

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

#: Library → where it may be imported, below ``orchestrator/``: a module, or a folder of them.
WALLS: dict[str, tuple[str, ...]] = {
    "sqlite3": ("store/driver.py",),
    "_sqlite3": ("hooks/",),
    "transitions": ("lifecycle/machine.py",),
    "cel": ("policy/rules.py",),
    # Only its canonical API is experimental; elsewhere it merely validates.
    "jsonschema_rs": (
        "plugins/builtin/contracts/schemas.py",
        "config/schema.py",
        "mcp/tool.py",
    ),
    "griffe": ("plugins/builtin/contracts/",),
    "grimp": ("plugins/builtin/integrity/import_graph.py",),
    "graphql": ("plugins/builtin/contracts/",),
    "avro": ("plugins/builtin/contracts/",),
    "pluggy": ("plugins/spec.py", "plugins/manager.py"),
    "yaml": ("config/", "plugins/builtin/contracts/"),
    "mcp": ("mcp/",),
    "click": ("cli/", "dropin/"),
}
#: What is copied into other repositories is not ours to wall in.
_FOREIGN = ("scaffold/sample/", "scaffold/starters/")


@hookimpl
def orchestrate_plugin() -> PluginInfo:
    return PluginInfo("walls", "1", "integrity", api=1)


@hookimpl
def orchestrate_plan(request: PlanRequest) -> list[Check]:
    if not request.project_wide:
        return []
    title = "every library that may change is imported in one place"
    return [Check("project/walls", "integrity", "walls", title)]


@hookimpl
def orchestrate_execute(check: Check, context: CheckContext) -> CheckResult:
    root = Path(context.checkout) / "orchestrator"
    found = tuple(breaches(root))
    if not found:
        return CheckResult(Outcome.PASSED)
    return CheckResult(Outcome.FAILED, f"{len(found)} imports through a wall", findings=found)


def breaches(root: Path) -> Iterator[Finding]:
    """Imports of a walled library elsewhere than behind its wall."""
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root).as_posix()
        if place.startswith(_FOREIGN):
            continue
        for library, line in imports(path.read_text()):
            allowed = WALLS.get(library)
            if allowed and not any(place == wall or _in(place, wall) for wall in allowed):
                yield Finding(
                    "walls.import",
                    Severity.BREAKING,
                    f"{library} is imported outside {' and '.join(allowed)}",
                    file=f"orchestrator/{place}",
                    line=line,
                    remedy="call the module in front of it, or widen the wall on purpose",
                )


def imports(text: str) -> Iterator[tuple[str, int]]:
    """The top-level names a file imports absolutely, with the line; also those inside functions."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0], node.lineno


def _in(place: str, wall: str) -> bool:
    return wall.endswith("/") and place.startswith(wall)
