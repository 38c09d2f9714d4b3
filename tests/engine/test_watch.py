"""The watch, end to end on real git: approve and land, send back, ask, void, wait."""

from __future__ import annotations

import json
import threading

import pytest

from orchestrator.coordination.callers import Caller
from orchestrator.coordination.liveness import host, started
from orchestrator.engine import emergencies
from orchestrator.engine import watch as watch_module
from orchestrator.engine.coordinator import Coordinator
from orchestrator.engine.handoff import NoIntegrationBranch, withdraw
from orchestrator.engine.lease import Coordinated, Lease, LeaseLost
from orchestrator.engine.project import setting
from orchestrator.engine.questions import NotAnAnswer, NotEntitled, NotOpen, acknowledge, answer
from orchestrator.engine.rollback import undo
from orchestrator.engine.transfer import CannotUndo, fast_forward
from orchestrator.engine.watch import watch
from orchestrator.lifecycle.machine import GuardRefused
from orchestrator.policy.emergency import ACTIONS
from orchestrator.status.views import screen
from orchestrator.store.errors import Busy
from orchestrator.verification.progress import Silent
from tests.conftest import commit, git
from tests.engine.conftest import CONFIG, Shop

HUMAN = Caller("human:ada", human=True)
WHOLE_WAY = ["assign", "ready", "verify", "approve", "complete", "standby"]


def configure(shop: Shop, text: str) -> None:
    """Put ``text`` behind the configuration, on the integration branch."""
    commit(shop.main, {"config/orchestrate.yaml": CONFIG + text}, "configure")
    shop.reopen()
    for name in ("backend", "frontend"):
        git(shop.worktree(name), "merge", "-q", "main")


def test_sound_work_is_approved_and_lands_exactly_as_verified(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "better\n"})
    shop.watch()
    handoff = shop.row("handoffs", "H-1")
    assert shop.moves() == WHOLE_WAY
    assert shop.head() == handoff["landed"] == handoff["candidate"]
    assert shop.landed("src/app.txt") == "better"
    assert (shop.main / "src/app.txt").read_text() == "better\n"
    assert handoff["approved_by"] == "coordinator"


def test_broken_work_is_sent_back_until_it_is_fixed(shop: Shop) -> None:
    before = shop.head()
    shop.hand_off({"src/app.txt": "broken\n"})
    shop.watch()
    assert (shop.state(), shop.head()) == ("REMEDIATION", before)
    shop.work({"src/app.txt": "fixed\n"})
    assert shop.ready().handoff["attempt"] == 2
    shop.watch()
    assert shop.moves() == ["assign", "ready", "verify", "reject", "remediate", *WHOLE_WAY[1:]]
    assert shop.landed("src/app.txt") == "fixed"


def test_the_commit_that_failed_cannot_be_marked_ready_again(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "broken\n"})
    shop.watch()
    with pytest.raises(Exception, match="is a commit that failed"):
        shop.ready()


def test_a_conflict_is_a_finding(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "mine\n"})
    commit(shop.main, {"src/app.txt": "theirs\n"})
    shop.watch()
    assert shop.state() == "REMEDIATION"
    assert '"conflicts": ["src/app.txt"]' in shop.row("runs", "R-1")["report"]


def test_two_handoffs_on_one_base_land_one_after_the_other(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "better\n"}, "backend")
    shop.hand_off({"ui/page.txt": "nicer\n"}, "frontend")
    shop.watch()
    assert (shop.landed("src/app.txt"), shop.landed("ui/page.txt")) == ("better", "nicer")
    second = shop.row("handoffs", "H-2")
    assert second["base"] == shop.row("handoffs", "H-1")["landed"]


def test_changed_rules_are_never_approved_by_rule(shop: Shop) -> None:
    configure(shop, 'escalation: {always_when: ["handoff.touches_policy"]}\n')
    shop.hand_off({"config/orchestrate.yaml": CONFIG.replace("! grep", "true; grep")})
    shop.watch()
    assert shop.state() == "VERIFICATION"
    assert shop.row("escalations", "ESC-1")["type"] == "authorisation"


def escalated(shop: Shop, content: str = "better\n") -> None:
    configure(shop, "approval: {auto: false}\n")
    shop.hand_off({"src/app.txt": content})
    shop.watch()
    assert shop.state() == "VERIFICATION"


def test_without_automatic_approval_a_human_is_asked_and_the_answer_lands(shop: Shop) -> None:
    escalated(shop)
    answer(shop.project, HUMAN, "ESC-1", "approve", "looks right")
    assert shop.state() == "APPROVED"
    shop.watch()
    assert shop.landed("src/app.txt") == "better"
    assert shop.row("handoffs", "H-1")["approved_by"] == "human:ada"


def test_a_human_rejects_with_a_reason(shop: Shop) -> None:
    escalated(shop)
    answer(shop.project, HUMAN, "ESC-1", "reject", "not like this")
    shop.watch()
    assert shop.state() == "REMEDIATION"


def test_nobody_approves_their_own_work(shop: Shop) -> None:
    escalated(shop)
    for who in ("backend", "frontend", "unregistered"):
        with pytest.raises(NotEntitled):
            answer(shop.project, Caller(who, human=False), "ESC-1", "approve", "trust me")
    assert shop.state() == "VERIFICATION"


def test_an_escalation_is_answered_once_and_only_as_its_kind_allows(shop: Shop) -> None:
    escalated(shop)
    with pytest.raises(NotAnAnswer):
        answer(shop.project, HUMAN, "ESC-1", "perhaps", "")
    acknowledge(shop.project, HUMAN, "ESC-1")
    answer(shop.project, HUMAN, "ESC-1", "approve", "fine")
    with pytest.raises(NotOpen):
        answer(shop.project, HUMAN, "ESC-1", "reject", "no")


def test_an_approval_holds_for_the_same_commit_and_findings_on_a_newer_base(shop: Shop) -> None:
    escalated(shop)
    commit(shop.main, {"other.txt": "moved\n"})
    answer(shop.project, HUMAN, "ESC-1", "approve", "fine")
    shop.watch()
    assert "void" in shop.moves()
    assert shop.landed("src/app.txt") == "better"
    assert shop.row("handoffs", "H-1")["approved_by"] == "human:ada"
    assert len(shop.rows("escalations")) == 1


def test_a_moved_base_is_verified_again_before_it_is_judged(shop: Shop) -> None:
    escalated(shop)
    commit(shop.main, {"src/app.txt": "theirs\n"})
    answer(shop.project, HUMAN, "ESC-1", "approve", "fine")
    shop.watch()
    assert shop.state() == "REMEDIATION"
    assert shop.landed("src/app.txt") == "theirs"


def test_landing_waits_for_colliding_uncommitted_work_and_says_so(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "better\n"})
    (shop.main / "src/app.txt").write_text("somebody is typing\n")
    shop.watch()
    assert shop.state() == "APPROVED"
    assert (shop.main / "src/app.txt").read_text() == "somebody is typing\n"
    shop.watch()  # another one does not say it again
    assert "H-1 is approved and waits: the branch is checked out" in status(shop)
    waiting = [e for e in shop.project.store.events() if e["kind"] == "handoff.waiting"]
    assert len(waiting) == 1 and "src/app.txt" in waiting[0]["reason"]
    git(shop.main, "checkout", "-q", "src/app.txt")
    shop.watch()
    assert shop.landed("src/app.txt") == "better"


def status(shop: Shop) -> str:
    """The whole screen of ``orchestrate status``."""
    written = shop.project.publish()
    assert written is not None
    return "\n".join(screen(json.loads(written.read_text()), 300))


def test_a_branch_checked_out_nowhere_lands_too(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "better\n"})
    git(shop.main, "checkout", "-q", "--detach")
    shop.watch()
    assert shop.landed("src/app.txt") == "better"


def test_an_errored_run_is_tried_again_twice_then_a_human_is_asked(shop: Shop) -> None:
    configure(shop, "")
    missing = CONFIG.replace("! grep -q broken src/app.txt", "no-such-command --at-all")
    commit(shop.main, {"config/orchestrate.yaml": missing}, "break the check")
    shop.reopen()
    shop.hand_off({"src/app.txt": "better\n"})
    shop.watch()
    assert [run["status"] for run in shop.rows("runs")] == ["errored", "errored", "done"]
    question = shop.row("escalations", "ESC-1")
    assert question["type"] == "manual_fix"
    assert shop.state() == "VERIFICATION"
    commit(shop.main, {"config/orchestrate.yaml": CONFIG}, "mend the check")
    shop.reopen()
    answer(shop.project, HUMAN, "ESC-1", "retry", "mended")
    shop.watch()
    assert shop.landed("src/app.txt") == "better"


def test_an_exhausted_retry_budget_asks_and_goes_on_or_gives_up(shop: Shop) -> None:
    configure(shop, "approval: {max_attempts: 1}\n")
    shop.hand_off({"src/app.txt": "broken\n"})
    shop.watch()
    assert (shop.state(), shop.row("escalations", "ESC-1")["type"]) == ("FAILED", "authorisation")
    answer(shop.project, HUMAN, "ESC-1", "approve", "once more")
    shop.watch()
    assert shop.state() == "REMEDIATION"
    shop.work({"src/app.txt": "broken again\n"})
    shop.ready()
    shop.watch()
    assert shop.state() == "FAILED"
    answer(shop.project, HUMAN, "ESC-2", "reject", "enough")
    assert shop.state() == "STANDBY"


def test_commits_that_arrive_another_way_are_reported(shop: Shop) -> None:
    shop.watch()
    stranger = commit(shop.main, {"direct.txt": "pushed\n"}, "straight to main")
    shop.watch()
    found = [e for e in shop.project.store.events() if e["kind"] == "integration.unverified"]
    assert len(found) == 1 and stranger in found[0]["data"]


def test_what_lands_is_not_reported_as_unverified(shop: Shop) -> None:
    shop.watch()
    shop.hand_off({"src/app.txt": "better\n"})
    shop.watch()
    shop.watch()
    assert not [e for e in shop.project.store.events() if e["kind"] == "integration.unverified"]


def test_two_watches_never_coordinate_at_once(shop: Shop) -> None:
    lease = Lease.acquire(shop.project.store, "coordinator")
    other = shop.at("backend")
    row = other.store.read(lambda reader: reader.get("coordinators", name="coordinator"))
    assert row is not None and row["fence"] == lease.fence
    # The same process may take its own lease again; pretend to be another one that lives.
    parent = {"pid": 1, "pid_started": started(1)}
    other.store.write(lambda tx: tx.update("coordinators", {"name": "coordinator"}, parent))
    with pytest.raises(Coordinated):
        watch(other, Silent(), once=True)


def test_a_watch_that_lost_its_lease_decides_nothing_more(shop: Shop) -> None:
    lease = Lease.acquire(shop.project.store, "coordinator")
    Lease.acquire(shop.project.store, "coordinator")
    with pytest.raises(LeaseLost):
        shop.project.store.write(lease.check)


def test_the_lease_of_a_dead_watch_is_taken_over_at_once(shop: Shop) -> None:
    Lease.acquire(shop.project.store, "coordinator")
    dead = {"pid": 999_999_999, "pid_started": "1"}
    shop.project.store.write(lambda tx: tx.update("coordinators", {"name": "coordinator"}, dead))
    shop.watch()
    row = shop.project.store.read(lambda reader: reader.get("coordinators", name="coordinator"))
    assert row is not None and row["fence"] == 2


def test_a_stopped_watch_leaves_what_it_verified_to_the_next(shop: Shop) -> None:
    slow = CONFIG.replace("! grep -q broken src/app.txt", "sleep 30")
    commit(shop.main, {"config/orchestrate.yaml": slow}, "slow check")
    shop.reopen()
    shop.hand_off({"src/app.txt": "better\n"})
    stop = threading.Event()

    class StopAtStart(Silent):
        def started(self, check: object) -> None:
            stop.set()

    watch(shop.project, StopAtStart(), stop=stop)
    assert shop.state() == "VERIFICATION"
    commit(shop.main, {"config/orchestrate.yaml": CONFIG}, "quick check")
    shop.reopen()
    shop.watch()
    assert shop.landed("src/app.txt") == "better"


def test_a_landed_handoff_is_undone_and_goes_back_to_its_producer(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "better\n"})
    shop.watch()
    undo(shop.project, "human:ada", "H-1", "it was wrong")
    assert (shop.landed("src/app.txt"), shop.state()) == ("sound", "REMEDIATION")
    assert (shop.main / "src/app.txt").read_text() == "sound\n"
    git(shop.worktree("backend"), "merge", "-q", "main")
    shop.work({"src/app.txt": "right this time\n"})
    shop.ready()
    shop.watch()
    assert shop.landed("src/app.txt") == "right this time"
    assert not [e for e in shop.project.store.events() if e["kind"] == "integration.unverified"]


def test_undoing_below_later_work_is_verified_before_it_lands(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "better\n"})
    shop.watch()
    shop.hand_off({"ui/page.txt": "nicer\n"}, "frontend")
    shop.watch()
    undo(shop.project, "human:ada", "H-1", "it was wrong")
    assert (shop.landed("src/app.txt"), shop.landed("ui/page.txt")) == ("sound", "nicer")


def test_undoing_what_later_work_changed_is_refused_and_changes_nothing(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "better\n"})
    shop.watch()
    git(shop.worktree("backend"), "merge", "-q", "main")
    shop.hand_off({"src/app.txt": "better still\n"})
    shop.watch()
    head = shop.head()
    with pytest.raises(CannotUndo, match="later work changed the same lines"):
        undo(shop.project, "human:ada", "H-1", "it was wrong")
    assert (shop.head(), shop.state()) == (head, "STANDBY")


def test_a_broken_branch_freezes_landing_until_it_is_thawed(shop: Shop) -> None:
    configure(shop, 'emergency: [{when: "integration.broken", do: [freeze, escalate]}]\n')
    shop.watch()
    commit(shop.main, {"src/app.txt": "broken\n"}, "straight to main")
    shop.watch()
    shop.watch()
    assert _setting(shop, "integration_broken") == "1"
    shop.hand_off({"ui/page.txt": "nicer\n"}, "frontend")
    shop.watch()
    assert shop.state("frontend") == "HANDOFF_READY"


def _setting(shop: Shop, name: str) -> str | None:
    return shop.project.store.read(lambda reader: setting(reader, name))


def test_the_task_of_a_dead_instance_is_returned_by_rule(shop: Shop) -> None:
    configure(shop, 'emergency: [{when: "instance.stale", do: [return_task]}]\n')
    shop.assign()
    dead = {"pid": 999_999_999, "pid_started": "1", "host": host()}
    shop.project.store.write(lambda tx: tx.update("instances", {"id": "backend"}, dead))
    shop.watch()
    assert shop.state() == "STANDBY"


def test_trouble_that_passes_does_not_end_the_watch(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.hand_off({"src/app.txt": "better\n"})
    said: list[str] = []
    stop, tick = threading.Event(), Coordinator.tick

    def busy_at_first(self: Coordinator) -> bool:
        if not said:
            raise Busy
        if shop.state() == "STANDBY":
            stop.set()
        return tick(self)

    monkeypatch.setattr(Coordinator, "tick", busy_at_first)
    monkeypatch.setattr(watch_module, "PAUSE", 0.0)
    watch(shop.project, Silent(), stop=stop, trouble=said.append)
    assert len(said) == 1 and said[0].startswith("E202 ")
    assert shop.landed("src/app.txt") == "better"


def test_a_handoff_that_landed_again_can_be_undone_again(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "one\n"})
    shop.watch()
    undo(shop.project, "human:ada", "H-1", "wrong")
    git(shop.worktree("backend"), "merge", "-q", "main")
    shop.hand_off({"src/app.txt": "two\n"})
    shop.watch()
    assert shop.landed("src/app.txt") == "two"
    undo(shop.project, "human:ada", "H-1", "wrong again")
    assert shop.landed("src/app.txt") == "sound"


def test_nobody_approves_a_conflict_because_nothing_could_land(shop: Shop) -> None:
    rule = 'approval: {reject_when: "false"}\n'
    commit(shop.main, {"config/orchestrate.yaml": CONFIG + rule})
    shop.reopen()
    shop.assign()
    shop.work({"src/app.txt": "mine\n"})
    theirs = commit(shop.main, {"src/app.txt": "theirs\n"})
    shop.ready()
    shop.watch()
    with pytest.raises(GuardRefused, match="conflicts with main"):
        answer(shop.project, HUMAN, "ESC-1", "approve", "land it")
    assert (shop.state(), shop.row("escalations", "ESC-1")["status"]) == ("VERIFICATION", "open")
    assert not fast_forward(shop.project, theirs, shop.row("handoffs", "H-1")["head"]).landed
    assert shop.head() == theirs


def test_where_the_base_has_no_rules_a_human_lets_the_merge_land(shop: Shop) -> None:
    git(shop.main, "rm", "-rq", "--cached", "config")
    git(shop.main, "commit", "-qm", "no rules")
    shop.reopen()
    shop.hand_off({"src/app.txt": "better\n"})
    shop.watch()
    answer(shop.project, HUMAN, "ESC-1", "approve", "the first work here")
    shop.watch()
    assert (shop.state(), shop.landed("src/app.txt")) == ("STANDBY", "better")


def test_withdrawing_neither_forgets_failed_attempts_nor_the_commit_that_failed(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "broken\n"})
    shop.watch()
    shop.hand_off({"src/other.txt": "fixed?\n"})
    withdraw(shop.project, HUMAN, "backend")
    with pytest.raises(GuardRefused, match="is a commit that failed"):
        shop.ready(ref="HEAD~1")
    assert shop.ready().handoff["attempt"] == 2


def test_without_the_integration_branch_the_watch_says_so(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "better\n"})
    git(shop.main, "checkout", "-q", "--detach")
    git(shop.main, "branch", "-q", "-D", "main")
    with pytest.raises(NoIntegrationBranch, match="'main' does not exist"):
        shop.watch()
    assert shop.state() == "HANDOFF_READY"


def test_a_watch_killed_among_emergency_actions_does_the_rest(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = 'emergency: [{when: "integration.unverified > 0", do: [notify, freeze, escalate]}]\n'
    configure(shop, rule)
    shop.watch()
    commit(shop.main, {"docs/a.md": "another way\n"})
    killed = KeyboardInterrupt("as good as a kill")

    def kill(*arguments: object) -> str:
        raise killed

    with monkeypatch.context() as patch:
        patch.setitem(emergencies._ACTIONS, "freeze", kill)
        with pytest.raises(KeyboardInterrupt):
            shop.watch()
    shop.watch()
    shop.watch()
    events = shop.project.store.events(where={"kind": "emergency.act"})
    assert [json.loads(event["data"])["action"] for event in events] == ["notify", "escalate"]
    assert shop.row("escalations", "ESC-1")["instance"] == "coordinator"


def test_an_emergency_rule_that_cannot_be_evaluated_does_nothing_and_says_so_once(
    shop: Shop,
) -> None:
    configure(shop, 'emergency: [{when: "size(instance.layers[0]) == 0", do: [freeze]}]\n')
    shop.watch()
    shop.watch()
    errored = [e for e in shop.project.store.events() if e["kind"] == "emergency.errored"]
    # The coordinator and the frontend have no layers: once each.
    assert len(errored) == 2 and "layers" in errored[0]["reason"]
    assert shop.project.store.read(lambda r: setting(r, "integration_frozen")) is None


def test_every_emergency_action_is_described() -> None:
    assert emergencies._ACTIONS.keys() == ACTIONS.keys()


def test_a_repetition_that_was_asked_for_replays_nothing(shop: Shop) -> None:
    configure(shop, 'approval: {approve_when: "false"}\n')
    shop.hand_off({"src/app.txt": "better\n"})
    shop.watch()
    answer(shop.project, HUMAN, "ESC-1", "retry", "look again")
    shop.watch()
    report = json.loads(shop.row("runs", "R-2")["report"])
    assert [check["cached_from"] for check in report["checks"]] == [None]
