"""The table of commands, loaded only when used, and the one place that prints errors."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from orchestrator.errors import EXIT, OrchestrateError

__all__ = ["COMMANDS", "cli", "run"]

#: Command → (module in ``orchestrator.cli`` whose ``command`` it is, one line of help).
#: The help stands here so that ``--help`` imports no command.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "Set up a repository: configuration, folders, examples."),
    "config": ("config", "Check, show or describe the configuration."),
    "demo": ("demo", "Play three handoffs in a sample project, with the real engine."),
    "watch": ("watch", "Coordinate: verify, judge and land what is ready."),
    "verify": ("verify", "Verify a commit here and now, without a coordinator."),
    "evidence": ("evidence", "What a verdict is bound to: show, export, verify."),
    "cache": ("cache", "What earlier runs found: explain, stats, clear."),
    "status": ("status", "What every instance and handoff is doing."),
    "check-in": ("check_in", "Register this session; hear what waits for it."),
    "heartbeat": ("heartbeat", "Say that this session lives; renews its leases."),
    "check-out": ("check_out", "End this session: leases freed, tasks returned."),
    "cleanup": ("cleanup", "End the sessions that are known dead."),
    "instance": ("instance", "List, show, create and retire instances."),
    "assign": ("assign", "Give an instance a task."),
    "ready": ("ready", "Mark your work ready for verification."),
    "withdraw": ("withdraw", "Take back what you marked ready."),
    "release": ("release", "Give up the task of an instance; it stands by again."),
    "task": ("task", "Add, claim, propose and complete tasks."),
    "message": ("message", "Send, read and answer messages."),
    "decision": ("decision", "Record, propose, discuss and take decisions."),
    "health": ("health", "What needs somebody's attention."),
    "lease": ("lease", "Take, keep, look at and give back files."),
    "owns": ("owns", "Whose file this is, and what that means for you."),
    "handoff": ("handoff", "List and show handoffs; undo a landed one."),
    "escalation": ("escalation", "List, show and answer what needs a human."),
    "contract": ("contract", "Compare versions of a contract; accept a break."),
    "benchmark": ("benchmark", "What was measured so far; does the comparison itself work?"),
    "checks": ("checks", "What each check is worth: runs, flakes, precision, time; quarantine."),
    "waiver": ("waiver", "Accept a finding for a while; list and revoke what was accepted."),
    "explain": ("explain", "Which rule decided about a handoff, and what would have flipped it."),
    "plugin": ("plugin", "Which plugins verify here; prove that one keeps the contract."),
    "import": ("import_", "Take over what older coordination scripts kept."),
    "hooks": ("hooks", "What the hooks in the client did."),
    "log": ("log", "The record of events: read, follow, verify."),
    "githooks": ("githooks", "Our checks inside git: install, remove, status; check a merge."),
    "mcp": ("mcp", "Serve an instance's tools to its client (MCP)."),
    "doctor": ("doctor", "What is active here, what is missing, and how to mend it."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"orchestrator.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f' Did you mean "{near[0]}"?' if near else " See: orchestrate --help"
            raise click.UsageError(f'there is no command "{args[0]}".{hint}', ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(None, "-V", "--version", package_name="handoff-orchestrator")
@click.option("-C", "folder", metavar="DIR", help="Run as if started in DIR.")
def cli(folder: str | None) -> None:
    """Coordinate several AI coding instances that work on one repository.

    Nothing reaches the integration branch that was not verified exactly as it
    will land, by somebody other than its author, under rules the author could
    not change.
    """
    if folder is not None:
        try:
            os.chdir(folder)
        except OSError as error:
            raise click.UsageError(f"cannot go to {folder!r}: {error.strerror}") from error


def run(arguments: Sequence[str], command: click.Command = cli, name: str = "orchestrate") -> int:
    """Run a command line; its exit status. Never raises, except for an interrupt at start."""
    try:
        status = command.main(list(arguments), prog_name=name, standalone_mode=False)
    except OrchestrateError as error:
        show_error(error)
        return error.exit_status
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return EXIT["usage"]
    except (KeyboardInterrupt, click.Abort):
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has gone (``| head``); flushing at exit must not complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception:
        return _unexpected()
    return status if isinstance(status, int) else 0


def show_error(error: OrchestrateError) -> None:
    """``where``, ``code message`` and ``hint`` on stderr, control characters made visible."""
    if error.where:
        print(printable(error.where), file=sys.stderr)
    print(f"{error.code} {printable(error.message)}", file=sys.stderr)
    if error.hint:
        print(f"hint: {printable(error.hint)}", file=sys.stderr)


def printable(text: str) -> str:
    """``text`` without terminal escapes: control characters other than newline as ``\\x1b``."""
    return "".join(
        c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )


def _unexpected() -> int:
    """A defect of ours: keep the traceback and say where it is."""
    import traceback
    from datetime import UTC, datetime

    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    text = traceback.format_exc()
    print("E000 orchestrate ran into a defect of its own; nothing more was done", file=sys.stderr)
    try:
        from orchestrator.git import find

        folder = find().state / "crashes"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{stamp}-{os.getpid()}.txt"
        path.write_text(f"{sys.argv}\n{text}")
        print(f"hint: the traceback is in {path}", file=sys.stderr)
    except (OSError, OrchestrateError):
        print(text, file=sys.stderr)
    return EXIT["unknown"]
