"""``orchestrate demo``: play three handoffs in a sample project, with the real engine."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.signals import until_signalled

if TYPE_CHECKING:
    from orchestrator.scaffold.demo import Places
    from orchestrator.scaffold.telling import Teller

__all__ = ["command"]


@click.command(name="demo")
@click.option("--keep", metavar="DIR", help="Play in DIR, which must be absent or empty.")
@click.option("--fast", is_flag=True, help="Measure benchmarks more briefly.")
def command(keep: str | None, fast: bool) -> None:
    """Play three handoffs in a sample project, with the real engine.

    One lands without anybody being asked, one breaks a contract and is sent
    back until it is mended, one is slower and is asked about. Every step is a
    command you could type. Takes under two minutes; the folder stays, so that
    you can look around.
    """
    with until_signalled(impatient=True) as (stop, _):
        _play(keep, fast, stop)


def _play(keep: str | None, fast: bool, stop: threading.Event) -> None:
    from orchestrator.cli.output import console
    from orchestrator.environment import sealed
    from orchestrator.scaffold.demo import play
    from orchestrator.scaffold.sample import create
    from orchestrator.scaffold.telling import Teller

    folder = Path(keep or tempfile.mkdtemp(prefix="orchestrate-demo-")).absolute()
    sample = create(folder, sealed(str(folder / "home")), fast=fast)
    (folder / "home").mkdir()
    teller = Teller(console())
    teller.say(
        f"A tea shop in three layers, in {folder}: its main worktree is shop; the instances "
        "data, service and web have one each beside it."
    )
    try:
        places = play(sample, teller, stop)
        _look_around(places, teller)
    finally:
        teller.say("The folder is kept, so that you can look around. To remove it:")
        teller.output(f"rm -r {shlex.quote(str(folder))}")


def _look_around(places: Places, teller: Teller) -> None:
    """Where everything is, and commands to paste."""
    name = _orchestrate()
    teller.title("Look around")
    teller.output(
        f"report           {places.report}\n"
        f"status document  {places.status}\n"
        f"event log        {places.events} (read it with: orchestrate log)\n"
        f"the watch's log  {places.watch}\n"
        "\n"
        f"cd {shlex.quote(str(places.shop))}\n"
        f"{name} status\n"
        f"{name} log\n"
        f"{name} explain {places.handoff}\n"
        f"{name} handoff show {places.handoff}\n"
        "git log --graph --oneline\n"
    )


def _orchestrate() -> str:
    """The command as it can be typed here: by its path where it is not on ``PATH``."""
    if shutil.which("orchestrate"):
        return "orchestrate"
    beside = Path(sys.executable).with_name("orchestrate")
    return shlex.quote(str(beside)) if beside.exists() else f"{sys.executable} -m orchestrator"
