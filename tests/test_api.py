"""The Python API does what the commands do, in the name they would."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import orchestrator
from orchestrator import api
from orchestrator.api import LeaseHeld, Orchestrator
from orchestrator.coordination.callers import WhichInstance
from orchestrator.engine.notes import FIELDS
from orchestrator.engine.waiving import WaiverRefused
from orchestrator.engine.watch import watch
from orchestrator.errors import UsageError
from orchestrator.verification.progress import Silent
from tests.conftest import MakeRepo, commit, git

ROOT = Path(__file__).parents[1]
CONFIG = """\
version: 1
project: shop
coordinator: {instance: coordinator}
instances:
  coordinator: {role: C, file_patterns: ["docs/**"]}
  backend: {role: B, file_patterns: ["src/**"], hands_off_to: frontend, layers: [code]}
  frontend: {role: F, file_patterns: ["ui/**"]}
layers:
  code:
    paths: ["src/**"]
    checks: [{name: sound, run: "! grep -q broken src/app.py"}]
verification: {parallel: 1, budget: 60s}
"""
NOTES = {field: f"About {field.lower()}." for field in FIELDS}


@pytest.fixture
def repo(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    return make_repo({"config/orchestrate.yaml": CONFIG, "src/app.py": "a = 1\n"})


@pytest.fixture
def backend(repo: Path) -> Iterator[Orchestrator]:
    with Orchestrator.open(repo, instance="backend") as project:
        yield project


@pytest.fixture
def frontend(repo: Path) -> Iterator[Orchestrator]:
    with Orchestrator.open(repo, instance="frontend") as project:
        yield project


def test_the_package_exports_it_and_stays_empty_of_imports() -> None:
    assert orchestrator.Orchestrator is Orchestrator
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        orchestrator.Nothing  # type: ignore[attr-defined]  # noqa: B018  # it raises
    show = "import sys, orchestrator; print([m for m in sys.modules if 'orchestrator.' in m])"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_instances_are_listed_shown_made_and_retired(backend: Orchestrator, repo: Path) -> None:
    names = [one.id for one in backend.instances.list()]
    assert names == ["backend", "coordinator", "frontend"]
    shown = backend.instances.show("backend")
    assert (shown.file_patterns, shown.possible) == (("src/**",), ("assign", "rollback"))
    made = backend.instances.create("helper", worktree="../helper", role="HELP")
    assert (made.worktree_made, made.instance.worktree) == (True, str(repo.parent / "helper"))
    backend.instances.retire("helper", reason="not needed")
    assert "helper" not in [one.id for one in backend.instances.list()]


def test_a_session_made_at_check_in_is_who_acts_until_it_checks_out(repo: Path) -> None:
    with Orchestrator.open(repo) as project:
        arrived = project.check_in(role="HELP", expertise=["css"], task="polish")
        assert arrived.made
        assert project.instances.show(arrived.instance).task == "polish"
        with project.leases.acquire("src/app.py") as grant:
            assert grant.instance == arrived.instance
            assert grant.leases[0].session == arrived.session
            assert project.heartbeat() == 1
        again = Orchestrator.open(repo, session=arrived.session)
        assert again.messages.send("backend", "hello").message.sender == arrived.instance
        again.close()
        assert project.check_in(agent="a-1").session == arrived.session
        assert project.instances.show(arrived.instance).agents == ("a-1",)
        assert project.check_out(agent="a-1").instance == arrived.instance
        assert project.check_out().instance == arrived.instance
        with pytest.raises(UsageError, match="no session"):
            project.heartbeat()
        assert project.messages.send("backend", "hello").message.sender == "human:ada"


def test_who_cannot_be_told_is_said_and_another_session_than_the_client_s_is_refused(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Orchestrator.open(repo) as project, pytest.raises(WhichInstance):
        project.tasks.claim(project.tasks.add("search").id)
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "s-1")
    with pytest.raises(UsageError):
        Orchestrator.open(repo, session="s-2")


def test_a_lease_as_context_gives_back_what_it_took_and_nothing_else(
    backend: Orchestrator, frontend: Orchestrator
) -> None:
    kept = backend.leases.acquire("src/app.py", ttl=60)
    with backend.leases.acquire("src/app.py", "src/new.py", lines=None) as grant:
        assert [lease.path for lease in grant.leases] == ["src/app.py", "src/new.py"]
        with pytest.raises(LeaseHeld) as held:
            frontend.leases.acquire("ui/", "src/*.py")
        assert {one.holder for one in held.value.conflicts} == {"backend"}
    assert [lease.id for lease in backend.leases.list()] == [kept.leases[0].id]
    kept.release()
    kept.release()
    assert frontend.leases.check("src/app.py")[0].state == "free"


def test_leases_are_renewed_checked_released_and_stolen(
    backend: Orchestrator, frontend: Orchestrator, repo: Path
) -> None:
    backend.leases.acquire("src/app.py")
    (repo / "src/app.py").write_text("b = 2\n")
    assert backend.leases.check("src/app.py")[0].state == "changed"
    assert backend.leases.renew("src/app.py", wrote=True)[0].state == "mine"
    assert backend.leases.check("src/app.py")[0].state == "mine"
    assert frontend.leases.release("src/app.py")[0].state == "held"
    assert frontend.leases.steal("src/app.py", reason="it hangs").instance == "frontend"
    assert [one.path for one in frontend.leases.release(everything=True)] == ["src/app.py"]
    with pytest.raises(ValueError, match="name the paths"):
        backend.leases.release()
    assert backend.leases.owners("src/app.py") == ("backend",)
    assert backend.leases.cleanup() == ()


def test_relative_paths_begin_where_it_was_opened(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Orchestrator.open(repo / "src", instance="backend") as project:
        assert project.leases.acquire("app.py").leases[0].path == "src/app.py"
        assert project.leases.acquire("../ui/").leases[0].kind == "folder"


def test_tasks_go_from_added_to_done(backend: Orchestrator, frontend: Orchestrator) -> None:
    first = backend.tasks.add("search", files=["src/**"], key="k")
    assert backend.tasks.add("search", files=["src/**"], key="k").id == first.id
    later = backend.tasks.add("polish", depends=[first.id])
    assert (later.status, later.dependencies) == ("open", (first.id,))
    assert backend.tasks.suggest(first.id)[0].instance == "backend"
    assert backend.tasks.claim(first.id).assigned_to == "backend"
    assert backend.tasks.start(first.id).status == "in_progress"
    assert backend.tasks.block(first.id, reason="no data").blocked_reason == "no data"
    assert backend.tasks.unblock(first.id).status == "in_progress"
    assert backend.tasks.complete(first.id).task.status == "done"
    assert backend.tasks.propose(later.id, "frontend").proposed_to == "frontend"
    assert frontend.tasks.decline(later.id, reason="no time").status == "ready"
    backend.tasks.propose(later.id, "frontend")
    assert frontend.tasks.accept(later.id).assigned_to == "frontend"
    assert [one.id for one in backend.tasks.list(instance="frontend")] == [later.id]
    assert backend.tasks.cancel(later.id).status == "cancelled"
    other = backend.tasks.add("other")
    assert backend.tasks.depend(backend.tasks.add("next").id, on=[other.id]).status == "open"
    assert backend.tasks.show(other.id) == other


def test_messages_are_sent_read_answered_and_closed(
    backend: Orchestrator, frontend: Orchestrator
) -> None:
    sent = backend.messages.send("frontend", "Which?", kind="question", files=["src/app.py"])
    assert (sent.reached, sent.undeliverable) == (("frontend",), {})
    assert backend.messages.send("nobody", "?").undeliverable.keys() == {"nobody"}
    (question,) = frontend.messages.inbox()
    assert (question.id, question.files, question.read_at) == (
        sent.message.id,
        ("src/app.py",),
        None,
    )
    assert frontend.messages.reply(question.id, "This.").reached == ("backend",)
    (thread,) = [one for one in backend.messages.list() if one.id == question.id]
    assert thread.receipts[0].answered_at is not None
    assert [one.body for one in backend.messages.show(question.id)] == ["", "This."]
    assert backend.messages.ack(question.id).status == "acknowledged"
    other = backend.messages.send("frontend", "And?", kind="question").message
    assert backend.messages.close(other.id).status == "closed"


def test_decisions_are_proposed_discussed_taken_and_exported(
    backend: Orchestrator, frontend: Orchestrator, repo: Path
) -> None:
    proposed = backend.decisions.propose(
        "Search",
        "How?",
        options=["sql", api.Option("index", pros=("fast",))],
        inputs_from=["frontend"],
        files=["src/**"],
    )
    assert [one.option for one in proposed.options] == ["sql", "index"]
    said = frontend.decisions.input(proposed.id, "fast, please")
    assert (said.opinions[0].instance, said.opinions[0].kind) == ("frontend", "input")
    decided = backend.decisions.decide(proposed.id, option="index", rationale="fast")
    assert (decided.status, decided.decision) == ("accepted", "index")
    assert backend.decisions.implement(proposed.id).status == "implemented"
    added = backend.decisions.add("Names", "snake_case", decision="snake_case", affects=["all"])
    assert [one.id for one in backend.decisions.list(path="src/app.py")] == [proposed.id]
    assert backend.decisions.supersede(added.id, proposed.id).superseded_by == proposed.id
    third = backend.decisions.add("Third", "text")
    assert backend.decisions.deprecate(third.id, reason="old").status == "deprecated"
    pages = backend.decisions.export("pages", commit=True)
    assert [page.parent for page in pages] == [repo / "pages"] * 3
    assert git(repo, "status", "--porcelain", "pages") == ""
    assert backend.decisions.merge(backend.decisions.log()).added == ()
    assert len(backend.decisions.archive(0)) == 3
    assert backend.decisions.list() == ()


def test_an_objection_asks_a_human_who_answers(
    backend: Orchestrator, frontend: Orchestrator, repo: Path
) -> None:
    added = backend.decisions.add("Names", "snake_case")
    assert frontend.decisions.object(added.id, "no").status == "objected"
    (question,) = backend.escalations.list()
    assert backend.escalations.ack(question.id).acknowledged_by == "human:ada"
    with Orchestrator.open(repo) as human:
        answered = human.escalations.approve(question.id, reason="it stands")
    assert (answered.answer, answered.answered_by) == ("approve", "human:ada")
    assert backend.escalations.show(question.id) == answered
    assert backend.escalations.list() == ()
    assert backend.escalations.list(everything=True) == (answered,)


def test_work_is_handed_off_lands_is_explained_and_undone(
    backend: Orchestrator, repo: Path
) -> None:
    git(repo, "switch", "-qc", "work")
    commit(repo, {"src/more.py": "b = 2\n"}, "more")
    assert backend.handoffs.assign("backend", "more") == "ACTIVE"
    marked = backend.handoffs.ready(NOTES)
    assert (marked.again, marked.handoff.notes) == (False, NOTES)
    assert backend.handoffs.ready(NOTES).again
    assert backend.handoffs.withdraw() == "ACTIVE"
    assert backend.handoffs.ready(NOTES).handoff.state == "HANDOFF_READY"
    (open_one,) = backend.handoffs.list()
    assert backend.handoffs.explain(open_one.id) is None
    watch(backend._seat.project, Silent(), once=True)
    landed = backend.handoffs.show(open_one.id)
    assert (landed.status, landed.runs[0].verdict) == ("landed", "passed")
    decision = backend.handoffs.explain(open_one.id)
    assert decision is not None and decision.action == "approve"
    undone = backend.handoffs.rollback(open_one.id, reason="too early")
    assert (undone.status, undone.state) == ("open", "REMEDIATION")
    assert backend.handoffs.release("backend", reason="given up") == "STANDBY"
    assert len(backend.handoffs.list(everything=True)) == 2


def test_only_a_human_undoes_what_landed(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDECODE", "1")
    with (
        Orchestrator.open(repo, instance="backend") as project,
        pytest.raises(UsageError, match="only a human"),
    ):
        project.handoffs.rollback("H-1", reason="x")


def test_status_health_events_and_clean_up(backend: Orchestrator) -> None:
    backend.tasks.add("no deadline", assign="backend")
    assert backend.status()["instances"]["backend"]["state"] == "ACTIVE"
    assert "deadline" in {one.name for one in backend.health()}
    seen = list(backend.events())
    assert [one.seq for one in seen] == list(range(1, len(seen) + 1))
    assert list(backend.events(after=seen[-1].seq)) == []
    assert {one.instance for one in backend.events(instance="backend")} == {"backend"}
    assert backend.cleanup().ended == ()


def test_a_finding_is_accepted_for_a_while(backend: Orchestrator, repo: Path) -> None:
    backend.handoffs.assign("backend", "break it")
    commit(repo, {"src/app.py": "broken\n"}, "broken")
    git(repo, "branch", "work")
    git(repo, "reset", "-q", "--hard", "HEAD~")
    handoff = backend.handoffs.ready(NOTES, ref="work").handoff
    watch(backend._seat.project, Silent(), once=True)
    (run,) = backend.handoffs.show(handoff.id).runs
    with pytest.raises(WaiverRefused, match="has no finding") as refused:
        backend.waivers.add(handoff.id, "nothing", reason="r", seconds=60)
    fingerprint = str(refused.value.hint).removeprefix("found: ").split()[0]
    given = backend.waivers.add(handoff.id, fingerprint, reason="known", seconds=60, uses=1)
    assert backend.waivers.list() == (given,)
    assert (given.approver, given.producer, given.used) == ("human:ada", "backend", 0)
    assert backend.waivers.revoke(given.id).expires_at < given.expires_at
    assert run.verdict == "failed"


def test_old_files_are_taken_over_and_the_chain_of_events_is_checked(
    backend: Orchestrator, repo: Path
) -> None:
    (repo / "coordination").mkdir()
    task = {"task_id": "task_001", "title": "Old work", "status": "pending_assignment"}
    (repo / "coordination/task-queue.json").write_text(json.dumps({"pending_tasks": [task]}))
    (repo / "coordination/decisions.json").write_text('{"decisions": [')
    taken = backend.take_over()
    assert taken.taken == {"task": {"task_001": "T-1"}}
    assert [fault.where.split(":")[0] for fault in taken.faults] == ["coordination/decisions.json"]
    assert backend.tasks.show("task_001").title == "Old work"
    assert backend.verify_events() == len(list(backend.events()))


def test_nothing_that_is_not_frozen_thaws(backend: Orchestrator) -> None:
    assert backend.handoffs.thaw(reason="all is well") is False


def test_what_it_gives_cannot_be_changed() -> None:
    records = [getattr(api, name) for name in api.__all__]
    values = [one for one in records if dataclasses.is_dataclass(one)]
    assert [one for one in values if not one.__dataclass_params__.frozen] == []  # type: ignore[union-attr]  # of every dataclass


def members(owner: type) -> list[tuple[str, Any]]:
    """The public functions of a class, its own."""
    found = {name: getattr(owner, name) for name in vars(owner) if not name.startswith("_")}
    return [(name, one) for name, one in found.items() if inspect.isroutine(one)]


PARTS = {
    "instances": api.Instances,
    "leases": api.Leases,
    "tasks": api.Tasks,
    "messages": api.Messages,
    "decisions": api.Decisions,
    "handoffs": api.Handoffs,
    "escalations": api.Escalations,
    "waivers": api.Waivers,
}


def surface() -> dict[str, Any]:
    """Dotted name → function of everything that can be called."""
    own = {f"Orchestrator.{name}": one for name, one in members(Orchestrator)}
    return own | {
        f"{part}.{name}": one for part, owner in PARTS.items() for name, one in members(owner)
    }


def test_every_public_member_says_what_it_does_and_is_typed() -> None:
    for name, one in surface().items():
        assert inspect.getdoc(one), name
        assert "return" in inspect.get_annotations(one), name


def test_the_reference_page_has_every_member_with_its_parameters_and_no_other() -> None:
    page = (ROOT / "docs/reference/python-api.md").read_text()
    written = dict(re.findall(r"^\| `([A-Za-z]+\.\w+)\((.*?)\)` \|", page, re.MULTILINE))
    wanted = {name: parameters(one) for name, one in surface().items()}
    assert written == wanted
    missing = [name for name in api.__all__ if f"`{name}`" not in page]
    assert missing == []


def parameters(function: Any) -> str:
    """As the page has them: ``to, subject, body=, *, kind=``."""
    words: list[str] = []
    keyword = False
    for name, one in inspect.signature(function).parameters.items():
        if name in ("self", "cls"):
            continue
        if one.kind is one.VAR_POSITIONAL:
            keyword = True
        if one.kind is one.KEYWORD_ONLY and not keyword:
            words, keyword = [*words, "*"], True
        star = "*" if one.kind is one.VAR_POSITIONAL else ""
        words.append(f"{star}{name}{'' if one.default is one.empty else '='}")
    return ", ".join(words)


def test_the_how_to_page_runs(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs/how-to/use-from-python.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(repo)
    names: dict[str, Any] = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"block {number}", "exec"), names)
    assert len(blocks) == 6
