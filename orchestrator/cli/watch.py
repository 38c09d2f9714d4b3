"""``orchestrate watch``: coordinate until told to stop."""

from __future__ import annotations

import sys

import click

from orchestrator.cli.output import console
from orchestrator.cli.signals import until_signalled
from orchestrator.engine.project import Project
from orchestrator.engine.watch import watch
from orchestrator.report.watching import Screen

__all__ = ["command"]


@click.command(name="watch")
@click.option("--once", is_flag=True, help="Do what there is to do, then stop.")
@click.option("--plain", is_flag=True, help="Plain lines even on a terminal.")
def command(once: bool, plain: bool) -> None:
    """Coordinate: verify what is ready, judge it by rule, land it, ask where no rule decides.

    One watch at a time coordinates a project. SIGTERM or Ctrl-C ends it and
    every process it started; what was being verified is verified again by the
    next one.
    """
    project = Project.open()
    live = sys.stdout.isatty() and not plain and not once
    with (
        until_signalled() as (stop, _),
        Screen(project.store, console(), live=live, about=_about(project)) as screen,
    ):
        watch(project, screen, once=once, stop=stop, moved=screen.catch_up, trouble=screen.say)


def _about(project: Project) -> list[str]:
    """What is active and what is not, said at the start."""
    config = project.config
    branch = config.coordinator.integration_branch
    automatic = "on" if config.approval.auto else "off"
    lines = [
        f"coordinating {config.project} as {project.verifier}",
        f"landing on {branch}; automatic approval {automatic}",
    ]
    if config.notify:
        lines.append("notifications are recorded as events; nothing is sent")
    return lines
