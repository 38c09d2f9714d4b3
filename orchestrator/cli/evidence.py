"""``orchestrate evidence``: what a verdict is bound to, to look at, hand on and check."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.main import printable
from orchestrator.cli.output import json_option, print_json, remark
from orchestrator.errors import EXIT, OrchestrateError

if TYPE_CHECKING:
    from orchestrator.engine.attestation import Attested
    from orchestrator.engine.proof import Point

__all__ = ["command"]


class NotWritten(OrchestrateError):
    """Evidence could not be written to its file.

    Happens when ``--output`` names a place that cannot be written. Name another.
    """

    code = "E445"


@click.group(name="evidence")
def command() -> None:
    """What a verdict is bound to: show, export, verify.

    WHAT is a run (R-3), a handoff (H-7, its last run) or a file. Without it,
    the run that ended last.
    """


_WHAT = click.argument("what", required=False, metavar="[RUN|HANDOFF|FILE]")


@command.command()
@_WHAT
@json_option
def show(what: str | None, as_json: bool) -> None:
    """What was verified, under which rules, by which plugins, and what was found."""
    found = _found(what)
    if as_json:
        print_json(found.statement)
        return
    for name, text in _shown(found):
        print(printable(f"{name:>13}  {text}"))


@command.command()
@_WHAT
@click.option("--output", metavar="FILE", help="Where it goes; default: standard output.")
@click.option("--sign", metavar="KEY", help="Sign with this SSH key, or with git's: git.")
@click.option("--no-sign", is_flag=True, help="Do not sign, whatever the configuration says.")
def export(what: str | None, output: str | None, sign: str | None, no_sign: bool) -> None:
    """An in-toto statement with a SLSA verification summary; signed, a DSSE envelope."""
    from orchestrator.engine.attestation import signing_key
    from orchestrator.git import find
    from orchestrator.verification.signing import signed

    found = _found(what)
    key = None if no_sign else signing_key(find(), sign)
    value: Any = signed(found.statement, key) if key else found.envelope or found.statement
    text = json.dumps(value, indent=2) + "\n"
    if output is None or output == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotWritten(f"{output}: {error.strerror}") from error
    by = f", signed with {key}" if key else ", not signed" if value is found.statement else ""
    remark(printable(f"{output}: {found.run}{by}"))


@command.command()
@_WHAT
@click.option("--allowed-signers", metavar="FILE", help="Who may sign; see ssh-keygen(1).")
@json_option
def verify(what: str | None, allowed_signers: str | None, as_json: bool) -> int:
    """Hold it against git, the store and its chain of events, and its signatures.

    Exit status: 0 all of it holds, 1 something was altered, 3 something could not be told.
    """
    from orchestrator.engine.attestation import store_of
    from orchestrator.engine.proof import prove
    from orchestrator.git import find

    repository = find()
    found = _found(what)
    allowed = Path(allowed_signers) if allowed_signers else None
    points = prove(repository, store_of(repository), found, allowed)
    verdict = _verdict(points)
    if as_json:
        told = [{"what": p.what, "state": p.state, "told": p.told} for p in points]
        print_json({"run": found.run, "verdict": verdict, "points": told})
    else:
        for point in points:
            print(printable(f"{point.state:<8} {point.what:<14} {point.told}"))
        print(printable(_SAID[verdict].format(run=found.run)))
    return {"holds": EXIT["ok"], "altered": EXIT["failed"], "unknown": EXIT["unknown"]}[verdict]


_SAID = {
    "holds": "holds: {run}'s evidence is true",
    "altered": "altered: do not rely on {run}'s evidence",
    "unknown": "could not tell everything about {run}'s evidence",
}


def _verdict(points: list[Point]) -> str:
    states = {point.state for point in points}
    return next((state for state in ("altered", "unknown") if state in states), "holds")


def _found(what: str | None) -> Attested:
    from orchestrator.engine.attestation import find_evidence, store_of
    from orchestrator.git import find

    repository = find()
    return find_evidence(repository, store_of(repository), what)


def _shown(found: Attested) -> list[tuple[str, str]]:
    statement = found.statement
    predicate = statement["predicate"]
    ours = predicate["orchestrate"]
    tally = Counter(check["outcome"] for check in ours["checks"])
    replayed = sum(bool(check.get("replayedFrom")) for check in ours["checks"])
    checks = ", ".join(f"{number} {outcome}" for outcome, number in sorted(tally.items()))
    plugins = ", ".join(f"{name} {version}" for name, version in sorted(ours["plugins"].items()))
    signatures = found.envelope.get("signatures", []) if found.envelope else []
    return [
        ("run", found.run),
        ("verdict", ours["verdict"]),
        ("verified", str(predicate.get("timeVerified"))),
        ("commit", statement["subject"][0]["digest"]["gitCommit"]),
        ("tree", statement["subject"][1]["digest"]["gitTree"]),
        ("head", ours["head"]),
        ("base", ours["base"] or "none: compared with nothing"),
        ("configuration", f"{predicate['policy']['digest']['sha256']} (from {ours['policyFrom']})"),
        ("plugins", plugins or "none"),
        ("checks", (checks or "none") + (f"; {replayed} known from earlier runs" * bool(replayed))),
        ("report", ours["reportDigest"]["sha256"]),
        ("signed by", ", ".join(str(each.get("keyid")) for each in signatures) or "nobody"),
    ]
