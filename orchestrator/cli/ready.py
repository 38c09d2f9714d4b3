"""``orchestrate ready``: mark work ready for verification."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.cli.output import json_option, print_json, remark
from orchestrator.coordination.callers import instance_here
from orchestrator.engine.handoff import Ready, ready
from orchestrator.engine.notes import TEMPLATE, missing, parse
from orchestrator.engine.project import Project
from orchestrator.errors import UsageError

__all__ = ["command"]

_LIMIT = 64 * 1024


@click.command(name="ready")
@click.option("--instance", help="Which instance; default: the one of this worktree.")
@click.option("--ref", default="HEAD", show_default=True, help="Branch, tag or commit.")
@click.option("--notes", metavar="FILE", help="The handoff notes, or - for standard input.")
@click.option("--to", "target", metavar="INSTANCE", help="Who goes on with it.")
@click.option("--template", is_flag=True, help="Print an empty notes file and stop.")
@json_option
def command(
    instance: str | None,
    ref: str,
    notes: str | None,
    target: str | None,
    template: bool,
    as_json: bool,
) -> None:
    """Mark your work ready: ACTIVE or REMEDIATION → HANDOFF_READY.

    The notes say what changed, why, how to verify it, the known risks and what
    the target must do; --template prints the headings.
    """
    if template:
        print(TEMPLATE, end="")
        return
    fields = parse(_read(notes)) if notes else {}
    if notes and (lacking := missing(fields)):
        hint = "orchestrate ready --template prints every heading with its question"
        raise UsageError(f"the notes in {notes} lack: {', '.join(lacking)}", hint=hint)
    project = Project.open()
    name = project.store.read(
        lambda reader: instance_here(reader, project.config, project.repository, instance)
    )
    before = project.store.read(lambda reader: reader.get("instances", id=name))
    result = ready(project, project.caller(), name, ref=ref, notes=fields, target=target)
    project.publish()
    _print(result, name, before["state"] if before else "?", as_json)


def _read(path: str) -> str:
    """The notes file, or what stands on standard input."""
    try:
        data = sys.stdin.buffer.read(_LIMIT + 1) if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read the notes {path}: {error.strerror}",
            hint="--notes takes a file, or - for standard input; --template prints the headings",
        ) from error
    if len(data) > _LIMIT:
        raise UsageError(f"the notes are larger than {_LIMIT // 1024} KiB")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"the notes {path} are not UTF-8 (byte {error.start})") from error


def _print(result: Ready, name: str, before: str, as_json: bool) -> None:
    handoff = result.handoff
    if as_json:
        print_json({**handoff, "remarks": list(result.remarks), "again": result.again})
        return
    for text in result.remarks:
        remark(f"remark: {text}")
    arrow = "HANDOFF_READY" if result.again else f"{before} → HANDOFF_READY"
    print(f"{name}  {arrow}  {handoff['id']} {handoff['head'][:12]} for {handoff['target']}")
