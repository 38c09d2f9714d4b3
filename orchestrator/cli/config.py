"""``orchestrate config``: check a file, show what is in force, print the schema."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.main import printable
from orchestrator.cli.output import json_option, print_json
from orchestrator.config.load import PLACES, InForce, effective, load, locate
from orchestrator.config.model import Config
from orchestrator.config.problems import InvalidConfig, MissingConfig, render
from orchestrator.errors import EXIT
from orchestrator.git import NotARepository, find

__all__ = ["command"]

#: Wider than any line: a rule that is folded cannot be read at a glance, nor found with grep.
_UNFOLDED = 1_000_000


@click.group(name="config")
def command() -> None:
    """Check, show or describe the configuration."""


@command.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
def check(file: Path | None) -> int:
    """Say everything that is wrong with FILE (default: the configuration of this worktree).

    Exit 0 when nothing is, 2 with every problem otherwise.
    """
    try:
        config = load(file or _here())
    except InvalidConfig as error:
        print(printable(render(error.source, error.problems)))
        count = len(error.problems)
        print(f"\n{printable(error.source)}: {count} problem{'' if count == 1 else 's'}")
        return EXIT["usage"]
    print(printable(f"{config.source}: ok, {summary(config)}"))
    return EXIT["ok"]


@command.command()
@json_option
def show(as_json: bool) -> int:
    """Print the configuration in force here, with every default, and where it came from."""
    from orchestrator.config.show import written

    found = effective(find())
    data = written(found.config)
    if as_json:
        print_json({**_origin(found), "config": data})
        return EXIT["ok"]
    import yaml

    for key, value in _origin(found).items():
        print(printable(f"# {key}: {value}"))
    print(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=_UNFOLDED), end="")
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


def summary(config: Config) -> str:
    """What is in a configuration, in a few words."""
    checks = sum(len(layer.checks) for layer in config.layers.values())
    counts = {
        "instance": len(config.instances),
        "layer": len(config.layers),
        "check": checks + len(config.integration_tests),
        "contract": len(config.contracts),
        "flow": len(config.flows),
        "benchmark": len(config.benchmarks),
    }
    words = [
        f"{count} {word}{'' if count == 1 else 's'}" for word, count in counts.items() if count
    ]
    return f"project {config.project}: {', '.join(words)}"
