"""The hooks in the real client, driven by a scripted model. Needs ``CLAUDE_BIN``.

Run where nothing can leave the machine, after installing the client anywhere outside:
``unshare -rn sh -c 'ip link set lo up; exec python -m pytest tests/hooks/test_realclient.py'``
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.engine.project import Project
from orchestrator.hooks.registration import CLAUDE_CODE, command
from tests.conftest import commit
from tests.hooks.model import Model, Step, call

#: Kept apart from the sealed environment every test runs in.
BINARY = os.environ.get("CLAUDE_BIN")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BINARY, reason="CLAUDE_BIN does not name a Claude Code client"),
]


@dataclass
class Started:
    """A client that runs."""

    process: subprocess.Popen[str]
    session: str
    out: Path

    def done(self) -> dict[str, Any]:
        self.process.wait(timeout=90)
        text = self.out.read_text()
        return json.loads(text) if text.startswith("{") else {"result": text}


Start = Callable[..., Started]


@pytest.fixture
def place(repo: Path) -> Path:
    """The repository with the hooks in its settings."""
    hooks: dict[str, list[Any]] = {}
    for hook in CLAUDE_CODE:
        matcher = {"matcher": hook.matcher} if hook.matcher else {}
        entry = {**matcher, "hooks": [command(hook, "claude-code")]}
        hooks.setdefault(hook.event, []).append(entry)
    commit(repo, {".claude/settings.json": json.dumps({"hooks": hooks}), ".gitignore": "status/\n"})
    return repo


@pytest.fixture
def start(place: Path, tmp_path: Path) -> Iterator[Start]:
    running: list[Started] = []

    def begin(
        model: Model, name: str, *arguments: str, mode: str = "acceptEdits", cwd: Path | None = None
    ) -> Started:
        home = tmp_path / f"home-{name}-{len(running)}"
        home.mkdir()
        session = str(uuid.uuid4())
        names = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(home),
            "TMPDIR": str(home), "LANG": "C.UTF-8", "TERM": "dumb", "SHELL": "/bin/bash",
            "ANTHROPIC_BASE_URL": model.address(name), "ANTHROPIC_API_KEY": "none",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1", "DISABLE_AUTOUPDATER": "1",
        }  # fmt: skip
        out = home / "result.json"
        with out.open("w") as file:
            process = subprocess.Popen(
                [str(BINARY), "-p", "do it", "--output-format", "json", "--session-id", session,
                 "--permission-mode", mode, "--debug-file", str(home / "debug.log"), *arguments],
                cwd=cwd or place, env=names, stdin=subprocess.DEVNULL, stdout=file,
                stderr=subprocess.STDOUT, text=True, start_new_session=True,
            )  # fmt: skip
        running.append(Started(process, session, out))
        return running[-1]

    yield begin
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()


@pytest.fixture
def model() -> Iterator[Callable[..., Model]]:
    made: list[Model] = []

    def make(**scripts: list[Step]) -> Model:
        made.append(Model(**scripts))
        return made[-1]

    yield make
    for one in made:
        one.close()


MakeModel = Callable[..., Model]


def leases(place: Path, **where: str) -> list[dict[str, Any]]:
    project = Project.open(place)
    rows = project.store.read(lambda r: r.find("leases", {"status": "held", **where}))
    project.store.close()
    return rows


def write(place: Path, name: str, text: str) -> Step:
    return call("Write", file_path=str(place / name), content=text)


def read(place: Path, name: str) -> Step:
    """The client writes no file that is there before it was read."""
    return call("Read", file_path=str(place / name))


def events(place: Path) -> list[str]:
    text = (place / ".git/orchestrator/hooks.log").read_text()
    return ["\t".join(line.split("\t")[1:5]) for line in text.splitlines()]


def test_a_session_registers_is_briefed_and_edits(
    place: Path, start: Start, model: MakeModel
) -> None:
    told = "env | grep ^ORCHESTRATE_ > who.txt; orchestrate lease list --json > leases.json"
    m = model(
        one=[
            read(place, "src/a.py"),
            write(place, "src/a.py", "mine\n"),
            call("Bash", command=told, description="d"),
        ]
    )
    started = start(m, "one", "--allowedTools", "Bash")
    result = started.done()
    assert result["is_error"] is False, result
    who = re.search(r"you are instance (claude-[\w-]+)", m.given("one"))
    assert who, m.given("one")[:2000]
    assert (place / "src/a.py").read_text() == "mine\n"
    said = (place / "who.txt").read_text()
    assert f"ORCHESTRATE_SESSION={started.session}" in said
    lease = json.loads((place / "leases.json").read_text())[0]
    assert (lease["path"], lease["instance"]) == ("src/a.py", who[1])
    assert leases(place) == [], "the end of the session frees what it held"


def test_three_clients_write_one_file_at_once(place: Path, start: Start, model: MakeModel) -> None:
    together = threading.Barrier(3)
    scripts = {
        name: [
            {**write(place, "src/shared.py", f"{name}\n"), "barrier": together},
            write(place, f"src/{name}.py", "other work\n"),
            {"text": "done", "delay": 8},
        ]
        for name in ("one", "two", "three")
    }
    m = model(**scripts)
    results = [client.done() for client in [start(m, name) for name in scripts]]
    assert not any(result["is_error"] for result in results)
    winner = (place / "src/shared.py").read_text().strip()
    assert winner in scripts
    for name in scripts:
        denied = "src/shared.py is held by claude-" in m.given(name)
        assert denied == (name != winner), name
        assert (place / f"src/{name}.py").read_text() == "other work\n", "it goes on"


def test_a_killed_clients_file_is_free_at_once(place: Path, start: Start, model: MakeModel) -> None:
    m = model(
        one=[
            read(place, "src/a.py"),
            write(place, "src/a.py", "one\n"),
            {"text": "x", "delay": 60},
        ],
        two=[read(place, "src/a.py"), write(place, "src/a.py", "two\n")],
    )
    one = start(m, "one")
    until(lambda: (place / "src/a.py").read_text() == "one\n")
    os.killpg(one.process.pid, signal.SIGKILL)
    one.process.wait()
    assert [row["session"] for row in leases(place)] == [one.session]
    start(m, "two").done()
    assert (place / "src/a.py").read_text() == "two\n"


def test_a_change_by_somebody_else_is_told_before_it_is_overwritten(
    place: Path, start: Start, model: MakeModel
) -> None:
    path = str(place / "src/a.py")
    m = model(
        one=[
            call("Read", file_path=path),
            call("Edit", file_path=path, old_string="a", new_string="b"),
            call("Read", file_path=path),
            call("Edit", file_path=path, old_string="a\n", new_string="b\n"),
        ]
    )
    m.scripts["one"][1]["delay"] = 4
    one = start(m, "one")
    until(lambda: len(m.asked["one"]) == 2)
    before = (place / "src/a.py").stat()
    (place / "src/a.py").write_text("a\ntheirs\n")
    # Some clients look at the time of a file themselves; at its content they do not.
    os.utime(place / "src/a.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    one.done()
    assert "src/a.py was changed by somebody else since you last read it" in m.given("one")
    assert (place / "src/a.py").read_text() == "b\ntheirs\n"


def test_a_shell_write_is_noticed_and_both_sides_hear(
    place: Path, start: Start, model: MakeModel
) -> None:
    m = model(
        one=[
            read(place, "src/a.py"),
            write(place, "src/a.py", "one\n"),
            {**call("Bash", command="echo waiting", description="d"), "delay": 8},
            {"text": "heard"},
        ],
        two=[call("Bash", command="echo two >> src/a.py", description="d"), {"text": "sorry"}],
    )
    one = start(m, "one", "--allowedTools", "Bash")
    until(lambda: (place / "src/a.py").read_text() == "one\n" and len(m.asked["one"]) == 3)
    start(m, "two", "--allowedTools", "Bash").done()
    one.done()
    assert "This command seems to write what others hold: src/a.py" in m.given("two")
    assert "Files others hold changed while this command ran: src/a.py" in m.given("two")
    assert "changed what you hold: src/a.py" in m.given("one")


def test_a_refused_call_gives_its_lease_back(place: Path, start: Start, model: MakeModel) -> None:
    m = model(one=[write(place, "src/new.py", "no\n"), {"text": "refused", "delay": 3}])
    one = start(m, "one", mode="default")
    until(lambda: len(m.asked["one"]) == 2)
    assert leases(place) == []
    one.done()
    assert not (place / "src/new.py").exists()
    assert "lease.release" in kinds(place)


def test_unfinished_work_is_not_left_in_silence(
    place: Path, start: Start, model: MakeModel
) -> None:
    begin = "orchestrate check-in --task Login"
    m = model(
        one=[
            call("Bash", command=begin, description="d"),
            write(place, "src/new.py", "work\n"),
            {"text": "all done"},
            call("Bash", command="git add src/new.py && git -c user.name=a -c user.email=a@b.c "
                 "commit -qm work", description="d"),
            {"text": "really done"},
            call("Bash", command="orchestrate message send backend --subject 'needs a review'",
                 description="d"),
            {"text": "now"},
        ]
    )  # fmt: skip
    result = start(m, "one", "--allowedTools", "Bash").done()
    assert "1 changed file not committed (src/new.py)" in m.given("one")
    assert result["result"] in ("now", "really done"), result


def test_a_sub_agent_works_as_its_session(place: Path, start: Start, model: MakeModel) -> None:
    kind = {"description": "sub", "subagent_type": "general-purpose"}
    agent = call("Agent", prompt="[script:sub] do it", **kind)
    m = model(
        one=[
            agent,
            write(place, "src/parent.py", "parent\n"),
        ],
        sub=[write(place, "src/child.py", "child\n"), {"text": "sub done"}],
    )
    start(m, "one").done()
    assert (place / "src/child.py").read_text() == "child\n"
    assert (place / "src/parent.py").read_text() == "parent\n"
    assert "session.agent" in kinds(place)


def test_a_damaged_store_is_told_refuses_edits_and_lets_the_shell_mend_it(
    place: Path, start: Start, model: MakeModel
) -> None:
    state = place / ".git/orchestrator"
    Project.open(place).store.close()
    for file in state.glob("state.db-*"):
        file.unlink()
    (state / "state.db").write_bytes(b"not a database" * 500)
    m = model(
        one=[
            write(place, "src/x.py", "x\n"),
            call("Bash", command="orchestrate doctor --fix", description="d"),
            write(place, "src/y.py", "mended\n"),
        ]
    )
    start(m, "one", "--allowedTools", "Bash").done()
    assert "orchestrate doctor --fix" in m.given("one")
    assert not (place / "src/x.py").exists()
    assert (place / "src/y.py").read_text() == "mended\n"


def test_a_worktree_of_the_client_is_ours(place: Path, start: Start, model: MakeModel) -> None:
    m = model(one=[call("Bash", command="pwd > where.txt", description="d")])
    start(m, "one", "--worktree", "extra", "--allowedTools", "Bash").done()
    made = place / ".claude/worktrees/extra"
    assert (made / "where.txt").read_text().strip() == str(made)


def kinds(place: Path) -> list[str]:
    project = Project.open(place)
    found = [event["kind"] for event in project.store.events()]
    project.store.close()
    return found


def until(true: Callable[[], bool], seconds: float = 40.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)
