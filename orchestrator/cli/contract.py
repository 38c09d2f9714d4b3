"""``orchestrate contract``: compare two versions, list those that are kept, accept a break."""

from __future__ import annotations

from dataclasses import replace

import click

from orchestrator.cli.human import confirmed_caller, reason_option
from orchestrator.cli.output import console, json_option, print_json
from orchestrator.config.load import in_force
from orchestrator.config.model import Config, Contract
from orchestrator.engine import blessing, contracts
from orchestrator.engine.project import Project
from orchestrator.errors import EXIT, UsageError
from orchestrator.git import find
from orchestrator.plugins.spec import Outcome
from orchestrator.report.contracts import compared, kept

__all__ = ["command"]

_STATUS = {Outcome.PASSED: "ok", Outcome.FAILED: "failed"}
KINDS = ("json-schema", "openapi", "graphql", "protobuf", "avro", "python")
POLICIES = ("file", "package", "wire-json", "wire")
MODES = ("none", "backward", "forward", "full")


@click.group(name="contract")
def command() -> None:
    """Compare versions of a contract; list what is kept; accept a break."""


@command.command()
@click.argument("old")
@click.argument("new")
@click.option("--contract", "name", help="Judge as this contract of the configuration is judged.")
@click.option("--kind", type=click.Choice(KINDS), help="What the files are; else guessed.")
@click.option("--mode", type=click.Choice(MODES), help="What must stay compatible.  [backward]")
@click.option("--direction", type=click.Choice(("input", "output", "both")), help="[both]")
@click.option("--content-model", type=click.Choice(("closed", "open")), help="[closed]")
@click.option("--package", help="For Python: the package; else the one there is.")
@click.option("--policy", type=click.Choice(POLICIES), help="For Protobuf.  [file]")
@json_option
def diff(old: str, new: str, name: str | None, as_json: bool, **options: str | None) -> int:
    """What NEW breaks of what OLD promised.

    OLD and NEW are files, folders or REF:PATH; one of them may be a ref alone,
    both with --contract. Exits with 0: compatible, 1: breaking, 3: could not
    tell, 2: wrong usage.
    """
    config = in_force(find()) if name else None
    configured = contracts.known(config, name) if config and name else None
    pair = contracts.pair(old, new, configured)
    contract = _contract(configured, pair, options)
    result = contracts.compare(pair, contract, config)
    if as_json:
        print_json({"old": old, "new": new, **result.to_json()})
    else:
        compared(console(), result, old, new)
    return EXIT[_STATUS.get(result.outcome, "unknown")]


def _contract(
    configured: Contract | None, pair: contracts.Pair, options: dict[str, str | None]
) -> Contract:
    """What the files are judged as: the configured contract, with what was said otherwise."""
    path = str(pair.new["path"])
    kind = options["kind"] or (configured.kind if configured else contracts.kind_of_both(pair))
    start = configured or Contract(path, kind, path)
    said = {"kind": options["kind"], "compatibility": options["mode"],
            "direction": options["direction"], "content_model": options["content_model"],
            "package": options["package"]}  # fmt: skip
    made = replace(start, path=path, samples=None, **{k: v for k, v in said.items() if v})
    if made.kind == "python" and not made.package:
        made = replace(made, package=contracts.package_of(pair.new))
    if made.kind == "python" and not made.package:
        raise UsageError(
            "the Python package has to be named: there is not exactly one",
            hint="--package NAME; OLD and NEW are the folders it is imported from",
        )
    return replace(made, compatibility=made.compatibility.removesuffix("-transitive"))


@command.command()
@click.argument("name")
@click.option("--last", type=click.IntRange(1, 200), default=20, show_default=True)
@json_option
def history(name: str, last: int, as_json: bool) -> int:
    """The versions of contract NAME that the integration branch has kept, newest first."""
    repository = find()
    config = in_force(repository)
    contract = contracts.known(config, name)
    base = _base(config)
    result = contracts.kept_versions(repository, config, contract, base, last)
    if result.outcome is not Outcome.PASSED:
        raise contracts.NoVersion(f"the history of {name} cannot be read: {result.reason}")
    if as_json:
        print_json({"contract": name, **dict(result.data)})
    else:
        kept(console(), name, contract.compatibility, result)
    return EXIT["ok"]


def _base(config: Config) -> str:
    branch = config.coordinator.integration_branch
    commit = find().git.commit(f"refs/heads/{branch}")
    if commit is None:
        raise contracts.NoVersion(f"the integration branch {branch} is not here",
                                  hint=f"git fetch origin {branch}:{branch}")  # fmt: skip
    return commit


@command.command()
@click.argument("name")
@reason_option("Why the break is accepted; kept with the version.")
@click.option("--handoff", help="The handoff that brings the version.  [the one that is open]")
@click.option("--at", metavar="COMMIT", help="The version of a commit, where there is no handoff.")
@click.option("--yes", is_flag=True, help="Do not ask on the terminal.")
def bless(name: str, reason: str, handoff: str | None, at: str | None, yes: bool) -> int:
    """Accept a breaking version of contract NAME; it is a new start for its history.

    Not by its author. Writes a file into this worktree: it counts once it has
    landed, like any policy.
    """
    if handoff and at:
        raise UsageError("--handoff and --at exclude each other")
    project = Project.open()
    change = blessing.change_of(project, name, handoff, at)
    whose = f"{change.handoff} of {change.author}" if change.handoff else f"by {change.author}"
    asked = f"Accept the version of {name} in {change.commit[:12]} ({whose})?"
    who = confirmed_caller(project, asked, yes)
    done = blessing.bless(project, who, name, change, reason)
    branch = project.config.coordinator.integration_branch
    print(f"{name}  {done.blessing.version}  accepted by {done.blessing.by}, {whose}")
    print(f"written to {done.file}; it counts once that is on {branch}:")
    print(f"  git add {done.file} && git commit -m 'bless {name}' && orchestrate ready")
    return EXIT["ok"]
