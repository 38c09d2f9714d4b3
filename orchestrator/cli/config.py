"""``orchestrate config``: check a file, show what is in force, print the schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.main import printable
from orchestrator.cli.output import json_option, print_json
from orchestrator.config.load import PLACES, InForce, effective, load, locate
from orchestrator.config.model import Config
from orchestrator.config.problems import InvalidConfig, MissingConfig, Problem, dotted, render
from orchestrator.errors import EXIT
from orchestrator.git import NotARepository, find

__all__ = ["command"]


@click.group(name="config")
def command() -> None:
    """Check, show or describe the configuration."""


@command.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
def check(file: Path | None, as_json: bool) -> int:
    """Say everything that is wrong with FILE (default: the configuration of this worktree).

    Exit 0 when nothing is, 2 with every problem otherwise.
    """
    try:
        config = load(file or _here())
    except InvalidConfig as error:
        if as_json:
            print_json(_answer(error.source, error.problems))
            return EXIT["usage"]
        print(printable(render(error.source, error.problems)))
        count = len(error.problems)
        print(f"\n{printable(error.source)}: {count} problem{'' if count == 1 else 's'}")
        return EXIT["usage"]
    if as_json:
        print_json(_answer(config.source) | {"project": config.project, **counts(config)})
        return EXIT["ok"]
    print(printable(f"{config.source}: ok, {summary(config)}"))
    return EXIT["ok"]


@command.command()
@json_option
def show(as_json: bool) -> int:
    """Print the configuration in force here, with every default, and where it came from."""
    from orchestrator.config.show import as_yaml, written

    found = effective(find())
    data = written(found.config)
    if as_json:
        print_json({**_origin(found), "config": data})
        return EXIT["ok"]
    for key, value in _origin(found).items():
        print(printable(f"# {key}: {value}"))
    print(as_yaml(data), end="")
    return EXIT["ok"]


@command.command()
def schema() -> int:
    """Print the JSON Schema of the configuration: every key, for editors and for you."""
    from orchestrator.config.schema import schema_text

    print(schema_text(), end="")
    return EXIT["ok"]


def _here() -> Path:
    """The file of this worktree; outside git, of the working directory."""
    try:
        folder = find().worktree
    except NotARepository:
        folder = Path.cwd()
    path = locate(folder)
    if path is None:
        raise MissingConfig(f"{folder} has no {PLACES[0]}", hint="write one: orchestrate init")
    return path


def _origin(found: InForce) -> dict[str, str]:
    config = found.config
    return {"source": config.source, "origin": found.origin, "digest": config.digest}


def _answer(source: str, problems: Sequence[Problem] = ()) -> dict[str, Any]:
    """What ``check`` found, for programs."""
    found = [{**asdict(problem), "path": dotted(problem.path)} for problem in problems]
    return {"source": source, "ok": not found, "problems": found}


def counts(config: Config) -> dict[str, int]:
    """How much of what is in a configuration, by section."""
    checks = sum(len(layer.checks) for layer in config.layers.values())
    return {
        "instances": len(config.instances),
        "layers": len(config.layers),
        "checks": checks + len(config.integration_tests),
        "contracts": len(config.contracts),
        "flows": len(config.flows),
        "benchmarks": len(config.benchmarks),
    }


def summary(config: Config) -> str:
    """What is in a configuration, in a few words."""
    words = [
        f"{count} {word.removesuffix('s') if count == 1 else word}"
        for word, count in counts(config).items()
        if count
    ]
    return f"project {config.project}: {', '.join(words)}"
