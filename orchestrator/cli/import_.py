"""``orchestrate import``: take over what the older coordination scripts kept."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.output import json_option, print_json, remark
from orchestrator.coordination import old_hooks
from orchestrator.coordination.importing import Imported, collect, take_over
from orchestrator.engine.project import Project
from orchestrator.errors import EXIT, UsageError
from orchestrator.scaffold.rewrite import rewrite
from orchestrator.status.views import visible

__all__ = ["command"]

_SETTINGS = "settings*.json"


@click.command(name="import")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--remove-hooks", is_flag=True, help="Cut the old scripts out of client settings.")
@click.option(
    "--shim",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Put coordination.sh and the coord commands below DIR, for example .claude.",
)
@json_option
@click.pass_context
def command(
    ctx: click.Context, path: Path | None, remove_hooks: bool, shim: Path | None, as_json: bool
) -> None:
    """Read the files of both older systems below PATH (default: this worktree), once.

    Tasks, messages, decisions and named instances are taken over and stay
    findable by their old ids. What cannot be read is reported by its place, and
    everything else is taken; the exit status is 1 then. Repeating it is harmless.
    """
    project = Project.open()
    top = (path or project.repository.worktree).absolute()
    if not top.is_dir():
        raise UsageError(f"{top} is no folder")
    found, actor = collect(top), project.caller().actor
    result = project.store.write(lambda tx: take_over(tx, found, actor=actor), durable=True)
    project.publish()
    hooks = _hooks(top, remove_hooks)
    written = _shim(shim) if shim else []
    if as_json:
        print_json({**result.to_json(), "hooks": hooks, "written": written})
    else:
        _show(result, hooks, written, remove_hooks)
    ctx.exit(EXIT["failed"] if result.faults else EXIT["ok"])


def _shim(folder: Path) -> list[str]:
    from orchestrator.dropin.shim import install

    return [str(path) for path in install(folder)]


def _hooks(top: Path, remove: bool) -> list[str]:
    """The old entries as ``file:line:column  event  command``; removed where that is asked."""
    found = []
    for path in sorted((top / ".claude").glob(_SETTINGS)):
        text = path.read_bytes().decode(errors="surrogateescape")
        name = str(path.relative_to(top))
        here = old_hooks.find(text)
        found += [f"{name}:{old.line}:{old.column}  {old.event}  {old.command}" for old in here]
        if remove and here:
            rewrite(path, old_hooks.without, name)
    return found


def _show(result: Imported, hooks: list[str], written: list[str], removed: bool) -> None:
    for kind, names in result.taken.items():
        for old, new in names.items():
            print(visible(f"{kind} {old}" + (f" → {new}" if new != old else "")))
    count = sum(len(names) for names in result.taken.values())
    print(f"{count} taken over, {result.known} were here already")
    for text in result.left:
        remark(visible(f"not taken over: {text}"))
    for fault in result.faults:
        remark(visible(f"{fault.where}  {fault.message}"))
    for text in hooks:
        remark(visible(f"{'removed' if removed else 'old hook'}: {text}"))
    if hooks and not removed:
        remark("hint: orchestrate import --remove-hooks takes them out and changes nothing else")
    for text in written:
        print(visible(f"wrote {text}"))
