"""The fast answers against the engine: the same answers, rows, events, hashes and fences.

Two repositories live through the same random days. In one every event is answered by
the fast path where it has an answer, in the other by the engine alone.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.coordination import leases, liveness, queue
from orchestrator.coordination.overlaps import SHARED
from orchestrator.coordination.paths import file_target, normalise, with_lines
from orchestrator.coordination.sessions import Client, add_agent, register
from orchestrator.engine.instances import make
from orchestrator.engine.project import Project
from orchestrator.hooks import after, beat, fast, guard, transaction
from orchestrator.hooks import place as places
from orchestrator.hooks.request import Answer, Request
from orchestrator.store.port import Transaction
from orchestrator.store.sqlite import open_store
from orchestrator.store.tables import TABLES
from tests.conftest import MakeRepo
from tests.hooks.conftest import CONFIG

PATHS = ["a.py", "src/a.py", "src/b.py", "src/deep/c.py", "src/deep/new.py", "lib/d.py"]
SESSIONS = ["one", "two", "three"]
OWN = "six: {role: X, file_patterns: ['*.md', 'src/deep/**/*.py', '[b]*']}"
CONFIGURED = CONFIG.replace("layers:", f"  {OWN}\nlayers:")


@dataclass
class World:
    """One of the two repositories. ``quick``: asks the fast path first."""

    repo: Path
    quick: bool
    now: list[int]
    hits: int = 0
    asked: int = 0
    pids: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = Project.open(self.repo)
        found.store.close()
        store = open_store(found.repository.state, clock=lambda: self.now[0])
        self.project = replace(found, store=store)
        place = places.find(str(self.repo))
        assert place is not None
        self.place = place

    def people(self, pids: dict[str, int]) -> None:
        self.pids = pids

        def body(tx: Transaction) -> None:
            for name in SESSIONS:
                row = make(tx, f"i-{name}", worktree=None)
                register(tx, Client(name, pids[name], "claude", str(self.repo)), row, "t" * 64)
            add_agent(tx, "one", "agent1")

        self.project.store.write(body)

    def request(self, event: str, who: str, tool: str, path: str | None, call: str) -> Request:
        session, _, agent = who.partition("/")
        absolute = str(self.repo / path) if path else None
        return Request(
            "claude-code", event, session, agent or None, str(self.repo), tool, absolute, None,
            call, False, self.pids[session], "{}",
        )  # fmt: skip

    def ask(self, request: Request) -> Answer:
        self.asked += 1
        if self.quick:
            module = fast if request.event == "PreToolUse" else beat
            found: Answer | None = module.answer(request, self.place, self.now[0])
            if found is not None:
                self.hits += 1
                return found
        if request.event == "PreToolUse":
            return guard.before(self.project, request)
        used = request.event == "PostToolUse"
        return after.used(self.project, request) if used else after.failed(self.project, request)

    def write(self, body: Any) -> None:
        self.project.store.write(lambda tx: body(self, tx))

    def dump(self) -> dict[str, list[Any]]:
        def body(reader: Any) -> dict[str, list[Any]]:
            return {name: reader.find(name) for name in [*TABLES, "events"] if name != "meta"}

        # Where the repositories are is all that may differ.
        text = self.project.store.read(body)
        for rows in text.values():
            for row in rows:
                row.pop("registered_at", None)  # by the real clock
                for key in ("cwd", "worktree"):
                    if row.get(key):
                        row[key] = row[key].replace(str(self.repo), "REPO")
        return text


@pytest.fixture
def worlds(make_repo: MakeRepo) -> Iterator[tuple[World, World]]:
    files = {"config/orchestrate.yaml": CONFIGURED, **dict.fromkeys(PATHS[:4], "0\n")}
    now = [time.time_ns() // 1_000_000]
    quick, plain = (
        World(make_repo(dict(files), name=n), n == "quick", now) for n in ("quick", "plain")
    )
    sleepers = {name: subprocess.Popen(["sleep", "300"]) for name in SESSIONS}
    for world in (quick, plain):
        world.people({name: process.pid for name, process in sleepers.items()})
    yield quick, plain
    for process in sleepers.values():
        process.kill()
        process.wait()
    for world in (quick, plain):
        world.project.store.close()


def both(
    worlds: tuple[World, World], event: str, who: str, tool: str, path: str | None, call: str
) -> Answer:
    answers = []
    for world in worlds:
        with chdir(world.repo):
            answers.append(world.ask(world.request(event, who, tool, path, call)))
    one, other = answers
    assert (one.kind, one.text) == (other.kind, other.text), (event, who, tool, path)
    return one


def edit(worlds: tuple[World, World], chance: random.Random, number: int) -> None:
    who, path = chance.choice([*SESSIONS, "one/agent1"]), chance.choice(PATHS)
    call = f"t{number}"
    said = both(worlds, "PreToolUse", who, "Write", path, call)
    if said.kind == "deny":
        return
    fate = chance.random()
    if fate < 0.7:
        put(worlds, path, f"{number}\n", 0)
        both(worlds, "PostToolUse", who, "Write", path, call)
    elif fate < 0.85:
        both(worlds, "PostToolUseFailure", who, "Write", path, call)


def look(worlds: tuple[World, World], chance: random.Random, number: int) -> None:
    tool = chance.choice(["Read", "Read", "Glob"])
    path = chance.choice(PATHS) if tool == "Read" else None
    both(worlds, "PostToolUse", chance.choice([*SESSIONS, "one/agent1"]), tool, path, f"t{number}")


def strange(worlds: tuple[World, World], chance: random.Random, number: int) -> None:
    put(worlds, chance.choice(PATHS), f"strange {number}\n", 3_600_000)


def wait(worlds: tuple[World, World], chance: random.Random, number: int) -> None:
    worlds[0].now[0] += chance.choice([1, 700, 25_000, 25_000, 200_000, 301_000])


def other_ways(worlds: tuple[World, World], chance: random.Random, number: int) -> None:
    """Folders, globs, lines, sharing, queueing, giving back: what commands do."""
    who, path = f"i-{chance.choice(SESSIONS)}", chance.choice([*PATHS, "src/", "src/*.py", "."])
    way = chance.randrange(7)

    def body(world: World, tx: Transaction) -> None:
        want = replace(normalise(world.project.repository, world.repo, path), place=None)
        session = who[2:]
        if way == 0:
            leases.acquire(tx, [want], instance=who, session=session)
        elif way == 1:
            leases.acquire(tx, [want], instance=who, session=session, mode=SHARED)
        elif way == 2 and want.kind == "file":
            leases.acquire(tx, [with_lines(want, 1, 5)], instance=who)
        elif way == 3 and number % 3 == 0:
            queue.enqueue(tx, [want], instance=who, session=session, mode="exclusive", priority=0)
        elif way == 4 and want.kind == "file":
            handoff = {"id": f"H-{number}"}
            leases.pass_to(tx, handoff, who, [file_target(want.path)])
        else:
            leases.release(tx, None, instance=who)
            for row in leases.held(tx, instance=who):
                leases.end(tx, row, "landed", actor=who)

    for world in worlds:
        world.write(body)


def put(worlds: tuple[World, World], path: str, text: str, later_ms: int) -> None:
    for world in worlds:
        file = world.repo / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        moment = (world.now[0] + later_ms) / 1000
        os.utime(file, (moment, moment))


STEPS = [edit] * 8 + [look] * 4 + [wait] * 3 + [strange] + [other_ways] * 2


@pytest.mark.parametrize("seed", range(4))
def test_the_fast_path_and_the_engine_agree(worlds: tuple[World, World], seed: int) -> None:
    chance = random.Random(seed)
    for number in range(120):
        chance.choice(STEPS)(worlds, chance, number)
    quick, plain = worlds
    assert quick.dump() == plain.dump()
    assert quick.project.store.verify_events() == plain.project.store.verify_events() > 10
    assert quick.hits > quick.asked * 0.4, "the fast path hardly answered anything"


def test_the_two_agree_on_their_constants() -> None:
    assert transaction.TTL_MS == leases.TTL_MS == liveness.TTL_MS


def test_the_fast_path_answers_the_common_cases(worlds: tuple[World, World]) -> None:
    quick, _ = worlds
    for call, who in (("t1", "one"), ("t2", "one"), ("t3", "two")):
        quick.ask(quick.request("PreToolUse", who, "Write", "src/b.py", call))
    quick.ask(quick.request("PostToolUse", "one", "Write", "src/b.py", "t1"))
    quick.ask(quick.request("PostToolUse", "one", "Glob", None, "t4"))
    said = quick.ask(quick.request("PreToolUse", "one", "Write", "lib/d.py", "t5"))
    assert said.text == "lib/d.py belongs to backend; the handoff will count this change."
    assert quick.hits == quick.asked == 6
