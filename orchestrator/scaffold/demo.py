"""The demonstration: plays the story on a stage and makes sure it went as told.

Every word about a state comes from the event log, and every claim is checked
against the store: an ending that is not as the story says raises ``DemoFailed``.
"""

from __future__ import annotations

import json
import re
import shlex
import threading
from dataclasses import dataclass
from pathlib import Path

from orchestrator.lifecycle.states import State
from orchestrator.scaffold.sample import Sample
from orchestrator.scaffold.stage import DemoFailed, Stage
from orchestrator.scaffold.story import CHAPTERS, Attempt, Chapter, Ending, notes, patch
from orchestrator.scaffold.telling import Teller
from orchestrator.store.port import Row
from orchestrator.store.sqlite import FILE
from orchestrator.verification.outcome import Report

__all__ = ["Places", "play"]

#: The states an instance goes through after it marked its work ready.
_PATHS: dict[Ending, tuple[State, ...]] = {
    Ending.LANDED: (
        State.VERIFICATION,
        State.APPROVED,
        State.HANDOFF_COMPLETE,
        State.STANDBY,
    ),
    Ending.SENT_BACK: (State.VERIFICATION, State.FAILED, State.REMEDIATION),
    Ending.ASKED: (State.VERIFICATION,),
}


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look afterwards; ``handoff`` is the last one's id, ``report`` a page about it."""

    shop: Path
    report: Path
    status: Path
    events: Path
    watch: Path
    handoff: str


#: Lines of an escalation and of an explanation that are shown.
_SHOWN, _EXPLAINED = 30, 8
#: How often a benchmark is measured again that a busy machine left undecided.
_RETRIES = 3


def play(sample: Sample, teller: Teller, stop: threading.Event) -> Places:
    """Play every chapter. Raises ``DemoFailed``, with the end of the watch's log told before.

    Raises ``KeyboardInterrupt`` between two steps once ``stop`` is set.
    """
    with Stage(sample, teller.event, teller.check, stop) as stage:
        try:
            teller.command("shop", "orchestrate", "watch")
            for number, chapter in enumerate(CHAPTERS, 1):
                scene = _Scene(stage, teller, chapter)
                scene.play(number)
            _epilogue(stage, teller)
            return _places(stage, scene.handoff)
        except DemoFailed:
            teller.title("The end of the watch's log")
            teller.output(stage.said())
            raise


class _Scene:
    """One chapter on the stage."""

    def __init__(self, stage: Stage, teller: Teller, chapter: Chapter) -> None:
        self.stage, self.teller, self.chapter = stage, teller, chapter
        self.instance = chapter.instance
        self.handoff = ""
        self.path: list[str] = []

    def play(self, number: int) -> None:
        """Assign the task, then make every attempt."""
        self.teller.title(f"{number}. {self.chapter.title}")
        self._command("shop", "assign", self.instance, "--task", self.chapter.task)
        for attempt in self.chapter.attempts:
            self._attempt(attempt)

    def _attempt(self, attempt: Attempt) -> None:
        self.teller.say(attempt.told)
        self._edit(attempt)
        self._ready(attempt)
        self._follow(attempt.ending)
        if attempt.ending is Ending.SENT_BACK:
            self._findings(attempt)
        if attempt.ending is Ending.ASKED:
            self._answer(attempt)
        if attempt.ending is not Ending.SENT_BACK:
            self._landed()

    # -- what the instance does ---------------------------------------------------------

    def _edit(self, attempt: Attempt) -> None:
        """The edit and its commit, in the instance's own worktree."""
        git, folder = self.stage.sample.git, self.stage.sample.worktree(self.instance)
        git(self.instance, "merge", "--quiet", "--ff-only", "main")
        name = folder.parent / f"{attempt.edit}.patch"
        name.write_text(patch(attempt.edit))
        git(self.instance, "apply", str(name))
        name.unlink()
        git(self.instance, "add", "--all")
        self.teller.command(self.instance, "git", "commit", "-m", attempt.subject)
        git(self.instance, "commit", "--quiet", "-m", attempt.subject)
        self.teller.output(git(self.instance, "show", "--stat", "--format=", "HEAD"))

    def _ready(self, attempt: Attempt) -> None:
        """Mark the commit ready, with its notes."""
        path = self.stage.sample.folder / "notes" / f"{attempt.edit}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(notes(attempt.edit))
        self._command(self.instance, "ready", "--notes", f"../notes/{path.name}", session=True)
        self.handoff = self._row("instances", self.instance)["handoff"] or self.handoff

    def _command(self, place: str, *arguments: str, session: bool = False) -> None:
        """A command as a user types it. What it did is told by the log."""
        self.teller.command(place, "orchestrate", *arguments)
        self.stage.run(place, *arguments, session=session)

    # -- what follows -------------------------------------------------------------------

    def _follow(self, ending: Ending) -> None:
        """Hear the log until the path of ``ending`` has been walked, or something else happened."""
        for state in _PATHS[ending]:
            self._reach(state)
        if ending is Ending.ASKED:
            self._hear("escalation.open")

    def _reach(self, state: State) -> None:
        """The next change of the instance's state must lead to ``state``."""
        expected = f"{self.instance} → {state}"
        event = self.stage.until(self._matters, expected)
        for _ in range(_RETRIES):
            if not (_asks(event) and state is State.APPROVED and self._undecided()):
                break
            self._retry(event)
            event = self.stage.until(self._matters, expected)
        if _to(event) != state:
            raise DemoFailed(f"expected: {expected}; but there was {_what(event)}")

    def _matters(self, event: Row) -> bool:
        """A change of state after ACTIVE, or a question nobody expected."""
        moved = _to(event) not in (None, State.ACTIVE, State.HANDOFF_READY)
        return bool(event["instance"] == self.instance) and (moved or _asks(event))

    def _undecided(self) -> bool:
        """Nothing but a benchmark stands in the way: the machine is too busy to tell."""
        counts = self._report().counts()
        others = counts["total"] - counts["passed"] - counts["skipped"]
        return others == counts["inconclusive"] > 0

    def _retry(self, event: Row) -> None:
        """Have it verified again, with the command the escalation names."""
        name = json.loads(event["data"])["escalation"]
        self.teller.say("The machine is too busy to measure the benchmark; so it is done again:")
        shown = self.stage.run("shop", "escalation", "show", name)
        self._command("shop", *_named(shown, "retry", name, "the machine was busy"))

    def _hear(self, kind: str) -> Row:
        mine = lambda event: event["kind"] == kind and event["instance"] == self.instance  # noqa: E731
        return self.stage.until(mine, f"{kind} about {self.instance}")

    def _findings(self, attempt: Attempt) -> None:
        """Sent back: the findings must name what was lost."""
        report = self._report()
        told = [finding.message for _, finding in report.findings()]
        self.teller.say("What its author is told:")
        for check, finding in report.findings():
            self.teller.output(f"{check.id}: {finding.message}\n  remedy: {finding.remedy or '–'}")
        self.teller.command(self.instance, "orchestrate", "explain", self.handoff)
        explained = self.stage.run(self.instance, "explain", self.handoff, session=True)
        self.teller.output(explained, limit=_EXPLAINED)
        if not any(attempt.finding in message for message in told):
            raise DemoFailed(f"expected a finding that names {attempt.finding!r}, but: {told}")

    def _answer(self, attempt: Attempt) -> None:
        """Asked: read the escalation, and answer with the command it names."""
        rows = self.stage.store.read(
            lambda reader: reader.find("escalations", {"handoff": self.handoff, "status": "open"})
        )
        if not rows:
            raise DemoFailed(f"expected an open escalation about {self.handoff}")
        name = rows[0]["id"]
        self.teller.command("shop", "orchestrate", "escalation", "show", name)
        shown = self.stage.run("shop", "escalation", "show", name)
        self.teller.output(shown, limit=_SHOWN)
        self.teller.say("A human reads it, and answers with the command it names:")
        self._command("shop", *_named(shown, "approve", name, attempt.answer))
        for state in _PATHS[Ending.LANDED][1:]:
            self._reach(state)

    def _landed(self) -> None:
        """Landed: the store says so, and git has exactly the candidate that was verified."""
        handoff = self._row("handoffs", self.handoff)
        head = self.stage.sample.git("main", "rev-parse", "main")
        if handoff["status"] != "landed" or head != handoff["candidate"]:
            raise DemoFailed(f"{self.handoff} is {handoff['status']}, main is at {head[:12]}")
        report = self._report()
        if report.commit != head:
            raise DemoFailed(f"{report.commit[:12]} was verified, but {head[:12]} landed")
        self.teller.say(
            f"main is at {head[:12]}: the very commit that was verified, "
            f"{report.counts()['passed']} checks passed in {report.seconds:.0f} s."
        )

    def _report(self) -> Report:
        run = self._row("runs", self._row("handoffs", self.handoff)["run"])
        return Report.from_json(json.loads(run["report"]))

    def _row(self, table: str, name: str) -> Row:
        return self.stage.row(table, name)


def _to(event: Row) -> str | None:
    to = json.loads(event["data"] or "{}").get("to")
    return None if to is None else str(to)


def _asks(event: Row) -> bool:
    return bool(event["kind"] == "escalation.open")


def _what(event: Row) -> str:
    return _to(event) or f"{event['kind']} ({event['reason'] or 'no reason'})"


def _named(shown: str, answer: str, escalation: str, reason: str) -> list[str]:
    """The command that ``shown`` names for this answer, with ``reason`` as its reason."""
    found = re.search(rf"orchestrate (escalation {answer} {escalation}\b[^\n`]*)", shown)
    if found is None:
        raise DemoFailed(f"{escalation} names no command to {answer} it")
    words = shlex.split(found[1])
    if "--reason" in words:
        del words[words.index("--reason") : words.index("--reason") + 2]
    return [*words, "--reason", reason, *([] if "--yes" in words else ["--yes"])]


def _places(stage: Stage, handoff: str) -> Places:
    shop = stage.sample.main
    rows = stage.store.read(lambda reader: reader.find("escalations", {"handoff": handoff}))
    shown = json.loads(stage.run("shop", "escalation", "show", rows[-1]["id"], "--json"))
    status = shop / "status" / "status.json"
    return Places(
        shop, Path(shown["report"]), status, stage.sample.state / FILE, stage.log, handoff
    )


def _epilogue(stage: Stage, teller: Teller) -> None:
    """The watch leaves cleanly, and the record is whole."""
    status = stage.stop()
    if status != 0:
        raise DemoFailed(f"the watch ended with status {status}")
    teller.title("Looking back")
    teller.command("shop", "orchestrate", "log", "verify")
    teller.output(stage.run("shop", "log", "verify"))
    document = json.loads(Path(stage.sample.main, "status", "status.json").read_text())
    busy = [i["instanceId"] for i in document["instances"].values() if i["state"] != "STANDBY"]
    if busy:
        raise DemoFailed(f"status/status.json says that {', '.join(busy)} did not end in STANDBY")
