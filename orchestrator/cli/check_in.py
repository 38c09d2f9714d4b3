"""``orchestrate check-in``: register this session and hear what waits for it."""

from __future__ import annotations

import click

from orchestrator.cli.output import json_option, print_json, remark
from orchestrator.coordination.profiles import Offer
from orchestrator.coordination.telling import told
from orchestrator.engine.attendance import CheckedIn, Wish, check_in
from orchestrator.engine.project import Project

__all__ = ["command"]


@click.command(name="check-in")
@click.option("--instance", help="Which instance to be; default: this worktree's, or a new one.")
@click.option("--session", help="The session id, where the client gives none.")
@click.option("--agent", metavar="ID", help="Register a sub-agent of the session.")
@click.option("--role", help="What you are there for, as free text; makes a new instance.")
@click.option("--specialization", "specializations", multiple=True, help="Repeatable.")
@click.option("--expertise", multiple=True, help="What others may ask you about. Repeatable.")
@click.option("--consultation/--no-consultation", default=None, help="Whether you may be asked.")
@click.option("--task", help="What you begin to work on.")
@json_option
def command(
    instance: str | None,
    session: str | None,
    agent: str | None,
    role: str | None,
    specializations: tuple[str, ...],
    expertise: tuple[str, ...],
    consultation: bool | None,
    task: str | None,
    as_json: bool,
) -> None:
    """Register this session, or resume it, and print its briefing.

    A session is the instance it names, else the one whose worktree this is,
    else one made for it on the spot. One live session occupies an instance.
    """
    offer = Offer(specializations, expertise, consultation)
    wish = Wish(instance, session, agent, role, task, offer)
    result = check_in(Project.open(), wish)
    if as_json:
        print_json(result.to_json())
        return
    _remarks(result)
    print(told(result.briefing, result.now), end="")


def _remarks(result: CheckedIn) -> None:
    for one in result.cleaned.ended:
        remark(f"remark: cleaned up after session {one.session} ({one.instance})")
    if result.made:
        name = result.session["parent"] or result.session["id"]
        remark(f"keep this session: export ORCHESTRATE_SESSION={name}")
