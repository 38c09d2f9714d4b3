"""How commands print: the same facts for people and, with ``--json``, for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

    from orchestrator.report.paper import Paper

__all__ = ["console", "json_option", "paper", "print_json", "remark"]

#: Variables by which users ask for colours where there is no terminal.
_COLOURS = ("FORCE_COLOR", "TTY_COMPATIBLE")
F = TypeVar("F", bound=Callable[..., Any])


def json_option(function: F) -> F:
    """``--json``: print JSON on stdout and nothing else there."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False))


def remark(text: str) -> None:
    """A remark for people, on stderr, so that stdout stays what was asked for."""
    print(text, file=sys.stderr)


def console(*, stderr: bool = False) -> Console:
    """A rich console that takes text literally: no markup in what users wrote.

    100 columns wide where there is no terminal, so that output in pipes is stable.
    """
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would exit with 1; main answers as for every command

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 100
    return Piped(stderr=stderr, markup=False, highlight=False, emoji=False, width=width)


def paper(*, stderr: bool = False) -> Paper:
    """What a report is printed on: plain where no colour would be seen."""
    from orchestrator.report.paper import Plain, Styled

    stream = sys.stderr if stderr else sys.stdout
    if stream.isatty() or any(name in os.environ for name in _COLOURS):
        return Styled(console(stderr=stderr))
    return Plain(stream)
