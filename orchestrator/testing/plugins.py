"""For plugin authors' tests: plan and execute a plugin's checks on real folders.

What a plugin returns is proved and makes the journey through JSON, as between
processes; commands are run by the real runner. Only the worker process is left
out::

    from orchestrator.testing.plugins import context, execute, plan, write

    write(tmp_path, {"a.txt": "…"})
    [check] = plan(my_plugin)
    assert execute(my_plugin, check, context(tmp_path, scratch)).outcome == "passed"
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from orchestrator import environment
from orchestrator.config.model import Config, Layer
from orchestrator.plugins import commands
from orchestrator.plugins.manager import call
from orchestrator.plugins.spec import (
    Check,
    CheckContext,
    CheckResult,
    PlanRequest,
)
from orchestrator.plugins.wire import check_from_json, proved_checks, proved_result

__all__ = ["config", "context", "execute", "plan", "run_command", "write"]

#: A module or object with the three hooks; nobody declares a type for those.
Plugin = Any
#: The real runner, a little less patient with what does not end.
run_command = partial(commands.run_command, grace=0.2)


def config(**parts: Any) -> Config:
    """A configuration with one layer ``app`` unless ``layers`` says otherwise."""
    return Config(**{"project": "sample", "layers": {"app": Layer("app", ("**",))}, **parts})


def plan(
    plugin: Plugin,
    settings: Config | None = None,
    *,
    checkout: Path | str = ".",
    layers: Sequence[str] | None = None,
    changed: Sequence[str] | None = None,
    base: str | None = None,
    project_wide: bool = True,
) -> list[Check]:
    """What ``plugin`` plans; every layer is affected unless ``layers`` says otherwise.

    Raises ``plugins.wire.Nonsense`` for what a run would refuse.
    """
    settings = settings or config()
    request = PlanRequest(
        config=settings.to_json(),
        layers=tuple(settings.layers if layers is None else layers),
        changed=None if changed is None else tuple(changed),
        checkout=str(checkout),
        base=base,
        project_wide=project_wide,
    )
    planned = call(plugin.orchestrate_plan, request=request)
    name = call(plugin.orchestrate_plugin).name
    return [check_from_json(value) for value in proved_checks(planned, name)]


def context(
    checkout: Path,
    scratch: Path,
    *,
    base_checkout: Path | None = None,
    commit: str = "c" * 40,
    base: str | None = None,
    repository: Path | None = None,
    settings: Config | None = None,
    upstream: Mapping[str, CheckResult] | None = None,
    timeout: float = 60.0,
    extra: Mapping[str, str] | None = None,
) -> CheckContext:
    """A context on these folders; ``python`` is the interpreter that runs the tests."""
    scratch.mkdir(parents=True, exist_ok=True)
    inherited = environment.allowed()
    path = f"{Path(sys.executable).parent}:{inherited.get('PATH', '')}"
    variables = {**inherited, "PATH": path, **(extra or {})}
    return CheckContext(
        checkout=str(checkout),
        scratch=str(scratch),
        commit=commit,
        base=base,
        base_checkout=None if base_checkout is None else str(base_checkout),
        repository=str(repository or checkout),
        environment=variables,
        base_environment=variables,
        timeout=timeout,
        config=(settings or config()).to_json(),
        upstream=upstream or {},
        runner=run_command,
    )


def execute(plugin: Plugin, check: Check, where: CheckContext) -> CheckResult:
    """Execute one check. Raises ``plugins.wire.Nonsense`` for what a run would refuse."""
    result = call(plugin.orchestrate_execute, check=check, context=where)
    return CheckResult.from_json(proved_result(result))


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files below ``folder``; the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
