"""Asking a human: on a terminal by a question, elsewhere only with ``--yes``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from orchestrator.coordination.callers import Caller
from orchestrator.engine.acting import human
from orchestrator.engine.project import Project
from orchestrator.errors import UsageError

__all__ = ["confirmed", "confirmed_caller", "reason_option"]

F = TypeVar("F", bound=Callable[..., Any])


def reason_option(help: str = "Why; kept in the log.") -> Callable[[F], F]:
    """``--reason``, required and not blank."""
    return click.option("--reason", required=True, callback=_stated, help=help)


def _stated(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not value.strip():
        raise UsageError("--reason is empty", hint="say why: it is kept in the log")
    return value


def confirmed_caller(project: Project, question: str, yes: bool) -> Caller:
    """The caller, after a human among them has said yes.

    Raises ``UsageError`` where nobody can be asked and ``--yes`` is not given.
    """
    who = project.caller()
    if not who.human or yes:
        return who
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "nobody can be asked here: there is no terminal", hint="say it: --yes --reason TEXT"
        )
    click.confirm(question, abort=True, err=True)
    return who


def confirmed(project: Project, question: str, yes: bool) -> str:
    """As ``confirmed_caller``, for what only a human may do; gives the actor."""
    return human(confirmed_caller(project, question, yes))
