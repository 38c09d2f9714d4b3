"""What the watch does with each instance, by its state: one small step at a time.

Every step is safe to repeat and to be killed in: it reads what is so, does one
thing and records it in a transaction that checks the coordinator's fence. A
watch that starts after a ``kill -9`` goes on from what the store says.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from orchestrator.engine import integration, runs
from orchestrator.engine.fencing import land_problems
from orchestrator.engine.job import Job
from orchestrator.engine.judgement import carry_out, decide
from orchestrator.engine.landing import complete, void
from orchestrator.engine.lease import Lease
from orchestrator.engine.project import Project, setting
from orchestrator.engine.questions import ask, open_about
from orchestrator.engine.standing import Standing
from orchestrator.engine.transfer import fast_forward
from orchestrator.engine.transition import change_handoff, move, row_of, tell
from orchestrator.engine.waiving import waived
from orchestrator.lifecycle.machine import Facts
from orchestrator.lifecycle.states import Event, State
from orchestrator.plugins.remote import PluginTrouble
from orchestrator.store.port import Row, Transaction
from orchestrator.verification.outcome import Report
from orchestrator.verification.progress import Listener

__all__ = ["Coordinator"]


class Coordinator:
    """Steps every instance along. Holds the one verification that is running, if any."""

    def __init__(self, project: Project, lease: Lease, listener: Listener) -> None:
        self.project, self.lease, self.listener = project, lease, listener
        self.job: Job | None = None
        self.standing = Standing()

    @property
    def working(self) -> bool:
        """A run, or a look at the plugins, goes on or has ended unseen."""
        return self.job is not None or self.standing.pending

    @property
    def due(self) -> bool:
        """Something that went on in the background has ended."""
        ended = self.job is not None and self.job.finished.is_set()
        return ended or self.standing.due

    def tick(self) -> bool:
        """One pass over all instances; True when anything was done."""
        if self.job and self.job.finished.is_set():
            room = runs if self.job.handoff else integration
            room.record(self.project, self.lease, self.job)
            self.standing.learn(self.job)
            self.job = None
            return True
        if self.standing.collect():
            return True
        if self.job is None and (job := integration.begin(self.project, self.lease, self.listener)):
            self.job = job
            job.start()
        steps: dict[State, Callable[[Row], bool]] = {
            State.HANDOFF_COMPLETE: self._complete,
            State.FAILED: self._failed,
            State.APPROVED: self._approved,
            State.VERIFICATION: self._verification,
            State.HANDOFF_READY: self._ready,
        }
        rows = self.project.store.read(
            lambda reader: reader.find("instances", {"state": [str(state) for state in steps]})
        )
        done = False
        for state, step in steps.items():
            chosen = [row for row in rows if row["state"] == state]
            for row in sorted(chosen, key=self._since):
                done = step(row) or done
        return done

    def close(self) -> None:
        """End a running verification and all its processes; its handoff stays in VERIFICATION."""
        self.standing.close()
        if self.job:
            self.job.stop.set()
            self.job.join()
            self.job = None

    def _ready(self, row: Row) -> bool:
        """HANDOFF_READY: begin to verify the one that waits longest, unless one is verified."""
        base = self.project.integration_head()
        if self.job or base is None or self._setting("integration_frozen") == "1":
            return False

        def body(tx: Transaction) -> Row:
            self.lease.check(tx)
            current = row_of(tx, "instances", row["id"])
            facts = Facts(actor=self.project.verifier, producer=row["id"], coordinates=True)
            handoff = row_of(tx, "handoffs", current["handoff"])
            run = runs.begin(tx, self.lease, handoff, base)
            move(tx, current, Event.VERIFY, facts, data={"run": run["id"], "base": base})
            return run

        self._start(self.project.store.write(body, durable=True))
        return True

    def _verification(self, row: Row) -> bool:
        """VERIFICATION: judge a finished run, or start one where none is running."""
        if self.job and self.job.handoff == row["handoff"]:
            return False
        handoff = self._handoff(row)
        run, question = self._about(handoff)
        asked_to_repeat = run is not None and run["status"] == "superseded"
        if question is not None and not asked_to_repeat:
            return False
        base = self.project.integration_head()
        if run and run["status"] == "done" and run["base"] == base:
            return self._judge(handoff, run)
        if self.job or base is None:
            return False
        again = runs.again(self.project, self.lease, handoff, run, base)
        # Whoever asks for a repetition does not want to hear the same verdicts again.
        self._start(again, fresh=asked_to_repeat)
        return True

    def _judge(self, handoff: Row, run: Row) -> bool:
        found = Report.from_json(json.loads(run["report"]))
        producer = handoff["producer"]
        report = self.project.store.read(lambda reader: waived(reader, found, producer))
        decision = decide(self.project, report, handoff)
        self.project.store.write(
            lambda tx: carry_out(tx, self.project, self.lease, report, handoff, decision),
            durable=True,
        )
        return True

    def _approved(self, row: Row) -> bool:
        """APPROVED: land it; void it when its ground moved; wait where git refuses."""
        handoff = self._handoff(row)
        head = self.project.integration_head()
        if head and self.project.git.is_ancestor(handoff["candidate"], head):
            complete(self.project, self.lease, handoff)
            return True
        if head != handoff["base"]:
            return self._void(handoff, ("the integration branch moved",))
        try:
            moved = self.standing.moved(self.project, handoff)
        except PluginTrouble as error:
            return self._wait(handoff, f"the plugins cannot be asked: {error.message}")
        if moved is None:
            return False
        return self._void(handoff, moved) if moved else self._land(handoff)

    def _void(self, handoff: Row, moved: tuple[str, ...]) -> bool:
        void(self.project, self.lease, handoff, moved)
        return True

    def _land(self, handoff: Row) -> bool:
        """Move the branch; the record follows at once, or with the next watch."""
        if self._setting("integration_frozen") == "1":
            return self._wait(handoff, "landing is frozen: orchestrate handoff thaw")
        base, candidate = handoff["base"], handoff["candidate"]
        taken = land_problems(self.project, handoff)
        if taken:
            return self._wait(handoff, "; ".join(taken))
        self.project.git.point(f"refs/orchestrate/rollback/{handoff['id']}", base)
        landing = fast_forward(self.project, base, candidate)
        if landing.landed:
            complete(self.project, self.lease, handoff)
            return True
        return self._wait(handoff, landing.waiting) if landing.waiting else True

    def _failed(self, row: Row) -> bool:
        """FAILED: send it back while attempts are left, else ask."""
        handoff = self._handoff(row)
        if self._about(handoff)[1] is not None:
            return False
        granted = json.loads(handoff["data"] or "{}").get("granted", 0)
        left = granted + self.project.config.approval.max_attempts - handoff["attempt"]

        def body(tx: Transaction) -> None:
            self.lease.check(tx)
            if left <= 0:
                self._ask_for_more(tx, handoff)
                return
            facts = Facts(actor=self.project.verifier, attempts_left=left)
            move(tx, row_of(tx, "instances", row["id"]), Event.REMEDIATE, facts)

        self.project.store.write(body, durable=True)
        return True

    def _ask_for_more(self, tx: Transaction, handoff: Row) -> None:
        ask(
            tx,
            self.project,
            "authorisation",
            actor=self.project.verifier,
            instance=handoff["producer"],
            handoff=handoff,
            question=f"{handoff['id']} failed {handoff['attempt']} times. May it go on?",
            reason="approval.max_attempts is used up",
        )

    def _complete(self, row: Row) -> bool:
        """HANDOFF_COMPLETE: free the instance for new work."""

        def body(tx: Transaction) -> None:
            self.lease.check(tx)
            facts = Facts(actor=self.project.verifier, producer=row["id"])
            current = row_of(tx, "instances", row["id"])
            move(tx, current, Event.STANDBY, facts, changes={"handoff": None, "task": None})

        self.project.store.write(body, durable=True)
        return True

    def _start(self, run: Row, *, fresh: bool = False) -> None:
        about = run["id"], run["handoff"], run["head"], run["base"]
        self.job = Job(self.project, *about, self.listener, fresh=fresh)
        self.job.start()

    def _wait(self, handoff: Row, reason: str) -> bool:
        """Approved but not landed: say for what it waits, once per reason."""

        def body(tx: Transaction) -> None:
            self.lease.check(tx)
            change_handoff(tx, row_of(tx, "handoffs", handoff["id"]), waiting=reason)
            tell(tx, "handoff.waiting", self.project.verifier, handoff, reason)

        if handoff["waiting"] != reason:
            self.project.store.write(body)
        return False

    def _handoff(self, row: Row) -> Row:
        return self.project.store.read(lambda reader: row_of(reader, "handoffs", row["handoff"]))

    def _about(self, handoff: Row) -> tuple[Row | None, Row | None]:
        """A handoff's current run and the question open about it."""
        store = self.project.store
        run = store.read(lambda r: r.get("runs", id=handoff["run"])) if handoff["run"] else None
        return run, store.read(lambda r: open_about(r, handoff["id"]))

    def _setting(self, name: str) -> str | None:
        return self.project.store.read(lambda reader: setting(reader, name))

    def _since(self, row: Row) -> tuple[int, str]:
        """Longest waiting first; the id makes it definite."""
        handoff = self._handoff(row) if row["handoff"] else None
        return (handoff["updated_at"] if handoff else 0, row["id"])
