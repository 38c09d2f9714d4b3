"""Tasks: claimed by one, after what they depend on, done when what they promise exists."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config.model import Config, Coordinator, Instance
from orchestrator.coordination import messages, tasks
from orchestrator.coordination.deliverables import BadPath, lacking_in_folder, rooted
from orchestrator.coordination.dependencies import DependencyCycle
from orchestrator.coordination.lookup import NoSuchName
from orchestrator.coordination.suggestions import suggest
from orchestrator.coordination.tasks import Draft, ImpossibleStep, NotYourTask, TaskTaken
from orchestrator.coordination.texts import BadText
from orchestrator.store.port import Row, Store, Transaction
from orchestrator.store.sqlite import open_store
from orchestrator.testing import ManualClock, MemoryStore

CONFIG = Config(
    "shop",
    {},
    coordinator=Coordinator(instance="lead"),
    instances={
        "lead": Instance("lead", "INTEGRATION", expertise=("api",)),
        "ada": Instance("ada", "BACKEND", file_patterns=("src/**",), expertise=("api", "SQL")),
        "bob": Instance("bob", "BACKEND", file_patterns=("ops/**",), expertise=("api",)),
        "cat": Instance("cat", "FRONTEND", file_patterns=("ui/**",), expertise=("react",)),
    },
)


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    clock = ManualClock()
    found: Store = (
        MemoryStore(clock)
        if request.param == "memory"
        else open_store(tmp_path / "state", clock=clock)
    )

    def body(tx: Transaction) -> None:
        for name, known in CONFIG.instances.items():
            row = {"id": name, "role": known.role, "state": "STANDBY", "version": 1}
            tx.insert("instances", row)

    found.write(body)
    yield found
    found.close()


def add(store: Store, title: str = "an API", by: str = "ada", **draft: Any) -> Row:
    made = Draft(title, **draft)
    return store.write(lambda tx: tasks.add(tx, CONFIG, made, by=by, actor=by))


def do(store: Store, verb: Callable[..., Row], *arguments: Any, actor: str = "ada") -> Row:
    """Run a verb that needs no configuration."""
    return store.write(lambda tx: verb(tx, *arguments, actor=actor))


def do_with(store: Store, verb: Callable[..., Row], *arguments: Any, **more: Any) -> Row:
    """Run a verb that may send a message."""
    return store.write(lambda tx: verb(tx, CONFIG, *arguments, **{"actor": "ada", **more}))


def get(store: Store, name: str) -> Row:
    return store.read(lambda r: tasks.task_of(r, name))


def subjects(store: Store, who: str) -> list[str]:
    return store.read(lambda r: [row["subject"] for row in messages.inbox(r, who)])


def kinds(store: Store) -> list[str]:
    return [event["kind"] for event in store.events()]


def test_a_task_is_ready_at_once_and_goes_its_way(store: Store) -> None:
    row = add(store, priority="high", due_at=99, deliverables=("/docs/api.md", "docs/"))
    assert (row["id"], row["status"], row["created_by"]) == ("T-1", "ready", "ada")
    assert json.loads(row["deliverables"]) == ["docs/api.md", "docs/"]
    assert do(store, tasks.claim, "T-1", "bob")["assigned_to"] == "bob"
    assert do(store, tasks.start, "T-1", "bob")["status"] == "in_progress"
    assert do_with(store, tasks.block, "T-1", "bob", "no access")["blocked_reason"] == "no access"
    assert subjects(store, "ada") == ["T-1 blocked: an API"]
    assert do(store, tasks.unblock, "T-1", "bob")["blocked_reason"] is None
    done = do_with(store, tasks.complete, "T-1", "bob")
    assert (done["status"], done["version"]) == ("done", 6)
    assert [k for k in kinds(store) if k.startswith("task.")] == [
        f"task.{verb}" for verb in ("add", "claim", "start", "block", "unblock", "complete")
    ]


def test_what_is_done_twice_by_the_same_is_done_once(store: Store) -> None:
    add(store)
    for _ in range(2):
        do(store, tasks.claim, "T-1", "bob")
    for _ in range(2):
        do(store, tasks.start, "T-1", "bob")
    for _ in range(2):
        do_with(store, tasks.complete, "T-1", "bob")
    for _ in range(2):
        assert get(store, "t-1")["status"] == "done"
    assert len(kinds(store)) == 4


def test_who_comes_second_is_told_who_has_it(store: Store) -> None:
    add(store)
    do(store, tasks.claim, "T-1", "bob")
    with pytest.raises(TaskTaken, match="T-1 is bob's") as caught:
        do(store, tasks.claim, "T-1", "cat")
    assert caught.value.exit_status == 10
    with pytest.raises(TaskTaken, match="T-1 is bob's"):
        do_with(store, tasks.propose, "T-1", "cat", by="ada")


def test_nobody_goes_on_with_somebody_elses_task(store: Store) -> None:
    add(store)
    do(store, tasks.claim, "T-1", "bob")
    for verb in (tasks.start, tasks.unblock):
        with pytest.raises(NotYourTask, match="bob's, not cat's"):
            do(store, verb, "T-1", "cat")
    with pytest.raises(NotYourTask):
        do_with(store, tasks.complete, "T-1", "cat")
    with pytest.raises(NotYourTask, match="made by ada, not cat"):
        do_with(store, tasks.cancel, "T-1", by="cat", human=False, reason=None)


def test_a_step_that_is_not_possible_says_what_is(store: Store) -> None:
    add(store)
    with pytest.raises(ImpossibleStep, match="T-1 is ready: no start") as caught:
        do(store, tasks.start, "T-1", "ada")
    assert caught.value.hint == "possible: propose, claim, cancel"
    do_with(store, tasks.cancel, "T-1", by="x", human=True, reason=None)
    with pytest.raises(ImpossibleStep, match="cancelled") as caught:
        do(store, tasks.claim, "T-1", "ada")
    assert caught.value.hint == "possible: nothing"


def test_a_proposal_is_accepted_or_declined_by_whom_it_was_made_to(store: Store) -> None:
    add(store)
    do_with(store, tasks.propose, "T-1", "bob", by="ada")
    assert subjects(store, "bob") == ["T-1 is proposed to you: an API"]
    with pytest.raises(NotYourTask, match="proposed to bob, not cat"):
        do(store, tasks.accept, "T-1", "cat")
    with pytest.raises(TaskTaken, match="proposed to bob"):
        do(store, tasks.claim, "T-1", "cat")
    declined = do_with(store, tasks.decline, "T-1", "bob", "no time", actor="bob")
    assert (declined["status"], declined["proposed_to"]) == ("ready", None)
    assert subjects(store, "ada") == ["T-1 declined: an API"]
    do_with(store, tasks.propose, "T-1", "cat", by="ada")
    for _ in range(2):
        assert do(store, tasks.accept, "T-1", "cat")["assigned_to"] == "cat"
    with pytest.raises(ImpossibleStep, match="assigned, not proposed"):
        do_with(store, tasks.decline, "T-1", "cat", None)


def test_claiming_what_was_proposed_to_you_accepts_it(store: Store) -> None:
    add(store)
    do_with(store, tasks.propose, "T-1", "bob", by="ada")
    assert do(store, tasks.claim, "T-1", "bob")["proposed_to"] is None
    assert kinds(store)[-1] == "task.accept"


def test_a_task_is_proposed_only_to_whom_there_is(store: Store) -> None:
    add(store)
    with pytest.raises(NoSuchName, match="no instance 'dan'"):
        do_with(store, tasks.propose, "T-1", "dan", by="ada")


def test_a_task_waits_for_all_it_depends_on_and_then_tells_whom_it_suits(store: Store) -> None:
    add(store, "one")
    add(store, "two")
    last = add(store, "three", dependencies=("T-1", "T-2", "T-1"), expertise=("react",))
    assert (last["status"], last["suggested"]) == ("open", "cat")
    with pytest.raises(ImpossibleStep, match=r"T-3 waits for T-1 \(ready\), T-2 \(ready\)"):
        do(store, tasks.claim, "T-3", "cat")
    for name in ("T-1", "T-2"):
        assert get(store, "T-3")["status"] == "open"
        do(store, tasks.claim, name, "ada")
        do_with(store, tasks.complete, name, "ada", actor="ada")
    assert get(store, "T-3")["status"] == "ready"
    assert subjects(store, "cat") == ["T-3 is ready: three"]
    assert kinds(store).count("task.ready") == 1


def test_what_depends_on_something_done_is_ready(store: Store) -> None:
    add(store)
    do(store, tasks.claim, "T-1", "ada")
    do_with(store, tasks.complete, "T-1", "ada")
    assert add(store, dependencies=("T-1",))["status"] == "ready"


def test_an_unknown_dependency_is_an_error_that_names_the_nearest(store: Store) -> None:
    add(store)
    with pytest.raises(NoSuchName, match="no task 'T-11'") as caught:
        add(store, dependencies=("T-11",))
    assert caught.value.hint == "known: T-1"
    assert store.read(lambda r: r.count("tasks")) == 1


def test_a_circle_is_named_and_refused(store: Store) -> None:
    add(store, "one")
    add(store, "two", dependencies=("T-1",))
    add(store, "three", dependencies=("T-2",))
    for on, circle in [("T-3", "T-1 → T-3 → T-2 → T-1"), ("T-1", "T-1 → T-1")]:
        with pytest.raises(DependencyCycle, match=f"{circle} is a circle"):
            store.write(lambda tx, on=on: tasks.depend(tx, "T-1", on=[on], actor="ada"))  # type: ignore[misc]
    assert get(store, "T-1")["dependencies"] == "[]"


def test_dependencies_change_while_nobody_has_the_task(store: Store) -> None:
    add(store, "one")
    add(store, "two")
    store.write(lambda tx: tasks.depend(tx, "T-2", on=["T-1"], actor="ada"))
    assert get(store, "T-2")["status"] == "open"
    store.write(lambda tx: tasks.depend(tx, "T-2", drop=["T-1"], actor="ada"))
    assert get(store, "T-2")["status"] == "ready"
    do(store, tasks.claim, "T-2", "ada")
    with pytest.raises(ImpossibleStep, match="its dependencies stay"):
        store.write(lambda tx: tasks.depend(tx, "T-2", on=["T-1"], actor="ada"))


def test_a_cancelled_dependency_never_frees_what_waits(store: Store) -> None:
    add(store, "one")
    add(store, "two", dependencies=("T-1",))
    do_with(store, tasks.cancel, "T-1", by="ada", human=False, reason="not needed")
    with pytest.raises(ImpossibleStep, match=r"waits for T-1 \(cancelled\)"):
        do(store, tasks.claim, "T-2", "bob")


def test_the_holder_is_told_when_its_task_is_cancelled(store: Store) -> None:
    add(store)
    do(store, tasks.claim, "T-1", "bob")
    do_with(store, tasks.cancel, "T-1", by="ada", human=False, reason="no need")
    assert subjects(store, "bob") == ["T-1 cancelled: an API"]


def test_who_gives_up_returns_its_task(store: Store) -> None:
    add(store)
    do(store, tasks.claim, "T-1", "bob")

    def give_back(who: str, task: str | None) -> Row | None:
        return store.write(lambda tx: tasks.give_back(tx, who, task, actor=who, reason="gone"))

    assert (
        give_back("cat", "T-1") is give_back("bob", "free text") is give_back("bob", None) is None
    )
    back = give_back("bob", "T-1")
    assert back is not None
    assert (back["status"], back["assigned_to"]) == ("ready", None)
    assert do(store, tasks.claim, "T-1", "cat")["assigned_to"] == "cat"


def test_suggestions_rank_by_expertise_then_files_then_load_and_say_why(store: Store) -> None:
    row = add(store, expertise=("api", "sql"), files=("src/api/*.py",))
    found = store.read(lambda r: suggest(r, CONFIG, row))
    assert [s.instance for s in found] == ["ada", "bob", "cat"]
    assert found[0].reasons == (
        "knows api, sql",
        "is responsible for src/api/*.py",
        "stands by",
        "has nothing on its desk",
    )
    assert found[1].reasons[:2] == ("knows api", "does not know sql")
    assert not found[2].fits
    assert row["suggested"] == "ada"


def test_of_two_equals_the_less_busy_is_suggested(store: Store) -> None:
    assert add(store, expertise=("api",))["suggested"] == "ada"
    do(store, tasks.claim, "T-1", "ada")
    assert add(store, expertise=("api",))["suggested"] == "bob"


def test_who_verifies_or_is_dead_is_not_suggested(store: Store) -> None:
    store.write(lambda tx: tx.update("instances", {"id": "ada"}, {"heartbeat_at": tx.now - 10**7}))
    row = add(store, expertise=("api",))
    assert [s.instance for s in store.read(lambda r: suggest(r, CONFIG, row))] == ["bob", "cat"]


def test_the_urgent_come_first(store: Store) -> None:
    add(store, "later", due_at=9)
    add(store, "no due")
    add(store, "sooner", due_at=5)
    add(store, "critical", priority="critical")
    do(store, tasks.claim, "T-2", "bob")
    titles = store.read(lambda r: [row["title"] for row in tasks.listed(r)])
    assert titles == ["critical", "sooner", "later", "no due"]
    mine = store.read(lambda r: tasks.listed(r, instance="bob"))
    assert [row["id"] for row in mine] == ["T-2"]
    ready = store.read(lambda r: tasks.listed(r, statuses=("ready",)))
    assert len(ready) == 3


def test_an_imported_task_is_found_by_its_old_name(store: Store) -> None:
    add(store)
    store.write(lambda tx: tx.update("tasks", {"id": "T-1"}, {"origin": "task_001"}))
    assert get(store, "task_001")["id"] == "T-1"
    assert json.loads(add(store, dependencies=("task_001",))["dependencies"]) == ["T-1"]


@pytest.mark.parametrize(
    ("draft", "error"),
    [
        ({"title": " "}, BadText),
        ({"title": "x", "description": "é" * 40_000}, BadText),
        ({"title": "x", "deliverables": ("../x",)}, BadPath),
        ({"title": "x", "files": ("",)}, BadPath),
    ],
)
def test_bad_input_adds_nothing(
    store: Store, draft: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        add(store, **draft)
    assert store.read(lambda r: r.count("tasks")) == 0
    assert add(store)["id"] == "T-1"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/docs/api.md", "docs/api.md"),
        ("docs//./api/", "docs/api/"),
        ("a/../b", "b"),
        ("-n", "-n"),
        ('say "hi"', 'say "hi"'),
    ],
)
def test_paths_are_rooted_at_the_repository(text: str, path: str) -> None:
    assert rooted(text) == path


@pytest.mark.parametrize(
    "text", ["", "/", "..", "../x", "/../etc/passwd", "a/../../b", ".git/config", ".GIT/x",
             "a\nb", "a\0b", "x" * 5000],
)  # fmt: skip
def test_paths_never_lead_outside(text: str) -> None:
    with pytest.raises(BadPath):
        rooted(text)


def test_what_is_promised_is_looked_for_and_links_outside_do_not_count(tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "docs").mkdir(parents=True)
    (top / "docs" / "api.md").write_text("x")
    (top / "out").symlink_to(tmp_path)
    wanted = ["docs/", "docs/api.md", "docs/api.md/", "docs/none.md", "out/", "none/"]
    assert lacking_in_folder(top, wanted) == ["docs/api.md/", "docs/none.md", "out/", "none/"]
