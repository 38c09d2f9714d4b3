"""An idle instance hears of what is new: at most once, from a real waiter or by its socket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.coordination import bells, messages, news
from orchestrator.coordination.callers import Caller
from orchestrator.coordination.cleaning import end_session
from orchestrator.coordination.liveness import started
from orchestrator.coordination.messages import Draft
from orchestrator.coordination.sessions import Client, open_session, register
from orchestrator.engine import messaging
from orchestrator.engine.handoff import assign
from orchestrator.engine.transition import row_of
from orchestrator.hooks import wake
from orchestrator.hooks.registration import FLAGS, interpreter
from orchestrator.hooks.waiter import news_for, wait
from orchestrator.store.port import Row
from tests.conftest import MakeRepo
from tests.engine.conftest import Shop, shop

__all__ = ["shop"]

SESSION = "s-backend"
HUMAN = Caller("human:ada", human=True)


@pytest.fixture
def client() -> Iterator[subprocess.Popen[bytes]]:
    """The client of ``backend``: a process that does nothing."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture(autouse=True)
def _session(shop: Shop, client: subprocess.Popen[bytes]) -> None:
    sit(shop, client.pid)


def sit(shop: Shop, pid: int | None, where: str | None = None) -> None:
    who = Client(SESSION, pid, socket=where)
    shop.project.store.write(lambda tx: register(tx, who, row_of(tx, "instances", "backend"), None))


def leave(shop: Shop) -> None:
    shop.project.store.write(
        lambda tx: end_session(tx, open_session(tx, SESSION), reason="done", actor="backend")
    )


def send(shop: Shop, subject: str) -> None:
    messaging.send(shop.project, HUMAN, "human:ada", "backend", Draft(subject))


def waiter(shop: Shop, pid: int | None = None) -> subprocess.Popen[str]:
    """Start a waiter as the client does; its event is on its stdin."""
    script = str(Path(wake.__file__))
    environment = {**os.environ, "CLAUDE_PID": str(pid)} if pid else dict(os.environ)
    process = subprocess.Popen(
        [interpreter(), *FLAGS, script, "claude-code"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, cwd="/",
    )  # fmt: skip
    assert process.stdin
    event = {"session_id": SESSION, "cwd": str(shop.main), "hook_event_name": "Stop"}
    process.stdin.write(json.dumps(event))
    process.stdin.close()
    process.stdin = None
    return process


def bell(shop: Shop) -> Row:
    found = shop.project.store.read(lambda reader: reader.get("bells", session=SESSION))
    return found or {"waiter": None}


def attended(shop: Shop, other_than: int | None = None) -> int:
    """The waiter's number, once one (another one) waits."""
    return until(lambda: n if (n := bell(shop)["waiter"]) not in (None, other_than) else 0)


def until(body: Callable[[], int]) -> int:
    end, pause = time.monotonic() + 20, threading.Event()
    while time.monotonic() < end:
        if found := body():
            return found
        pause.wait(0.02)
    raise AssertionError("it never came")


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, said = process.communicate(timeout=20)
    assert out == ""
    return process.returncode, said


def test_a_waiter_wakes_its_instance_once_with_all_that_is_new(
    shop: Shop, client: subprocess.Popen[bytes]
) -> None:
    process = waiter(shop, client.pid)
    attended(shop)
    send(shop, "Which port?")
    assign(shop.project, HUMAN, "backend", "the API")
    status, said = ended(process)
    assert status == 2
    assert said == (
        "Orchestrate reports, not your user:\n"
        "M-1 from human:ada: Which port?\n"
        "human:ada gave you a task: the API\n"
    )
    assert bell(shop)["waiter"] is None
    assert not shop.project.store.read(lambda reader: news.waiting(reader, SESSION))


def test_a_waiter_ends_quietly_for_a_newer_one_and_when_the_session_ends(shop: Shop) -> None:
    first = waiter(shop)
    number = attended(shop)
    second = waiter(shop)
    attended(shop, other_than=number)
    assert ended(first) == (0, "")
    leave(shop)
    assert ended(second) == (0, "")


def test_a_waiter_ends_when_its_client_is_gone(shop: Shop, client: subprocess.Popen[bytes]) -> None:
    process = waiter(shop, client.pid)
    attended(shop)
    client.kill()
    client.wait()
    assert ended(process) == (0, "")


@pytest.mark.parametrize("event", ["", "[]", '{"session_id": 5, "cwd": 7}', '{"session_id": "s"}'])
def test_an_event_that_says_nothing_ends_it_quietly_and_makes_no_store(
    event: str, make_repo: MakeRepo
) -> None:
    folder = make_repo(name="other")
    command = [sys.executable, *FLAGS, str(Path(wake.__file__)), "claude-code"]
    done = subprocess.run(
        command, input=event, capture_output=True, text=True, cwd=folder, timeout=20
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (folder / ".git" / "orchestrator").exists()


def test_a_client_that_ends_after_its_answer_is_not_kept_waiting(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.hooks.waiter.wait", lambda *_: [{"kind": "waited"}])
    monkeypatch.setattr("orchestrator.hooks.waiter.lines", lambda rows: ["waited"])
    event = json.dumps({"session_id": "s", "cwd": str(shop.main)}).encode()
    assert "waited" in news_for(event)
    monkeypatch.setenv("CLAUDE_CODE_ENTRYPOINT", "sdk-cli")
    assert news_for(event) == ""


def test_waiting_is_bounded_and_a_session_nobody_knows_is_not_waited_for(shop: Shop) -> None:
    store = shop.project.store
    assert wait(store, SESSION, lambda: True, bound=0) == []
    assert bell(shop)["waiter"] is None
    assert wait(store, "nobody", lambda: True) == []


class Listener:
    """A client's socket, and what was written to it."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(self.path)
        self.socket.listen()
        self.socket.settimeout(30)

    def said(self) -> str:
        connection, _ = self.socket.accept()
        with connection, connection.makefile() as lines:
            value = json.loads(lines.readline())
            assert lines.readline() == ""
        assert (value["type"], value["message"]["role"]) == ("user", "user")
        return str(value["message"]["content"])

    def silent(self) -> bool:
        self.socket.setblocking(False)
        try:
            self.socket.accept()
        except BlockingIOError:
            return True
        return False


@pytest.fixture
def listener() -> Iterator[Listener]:
    # The name of a socket is at most 104 bytes long; folders of tests may be longer.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        made = Listener(Path(folder) / "s")
        yield made
        made.socket.close()


def test_the_socket_of_a_client_is_rung_once_by_whoever_wrote(
    shop: Shop, client: subprocess.Popen[bytes], listener: Listener
) -> None:
    sit(shop, client.pid, listener.path)
    send(shop, "Which port?")
    assert listener.said() == (
        "Orchestrate reports, not your user:\nM-1 from human:ada: Which port?\n"
    )
    shop.project.publish()
    assert listener.silent()


def test_the_socket_is_left_alone_while_a_waiter_waits(
    shop: Shop, client: subprocess.Popen[bytes], listener: Listener
) -> None:
    sit(shop, client.pid, listener.path)
    process = waiter(shop)
    attended(shop)
    send(shop, "Which port?")
    assert listener.silent()
    assert ended(process)[0] == 2
    assert listener.silent()


def test_a_killed_waiter_does_not_keep_the_socket_silent(shop: Shop, listener: Listener) -> None:
    sit(shop, None, listener.path)
    process = waiter(shop)
    attended(shop)
    process.kill()
    ended(process)
    send(shop, "Still there?")
    assert "Still there?" in listener.said()


@pytest.mark.parametrize("place", ["gone", "a file", "x" * 300])
def test_a_client_that_does_not_listen_is_told_nothing(
    shop: Shop, tmp_path: Path, place: str
) -> None:
    (tmp_path / "a file").touch()
    sit(shop, None, str(tmp_path / place))
    send(shop, "Anybody?")
    store = shop.project.store
    assert store.read(lambda reader: news.waiting(reader, SESSION))
    (row,) = store.read(lambda reader: messages.inbox(reader, "backend"))
    assert row["delivered_at"] is None


def test_a_bell_goes_with_its_session(shop: Shop) -> None:
    sit(shop, None, "/tmp/socket")
    assert bell(shop)["socket"] == "/tmp/socket"
    sit(shop, None)
    assert bell(shop)["socket"] == "/tmp/socket"
    shop.project.store.write(lambda tx: bells.attend(tx, SESSION))
    row = bell(shop)
    assert (row["pid"], row["pid_started"]) == (os.getpid(), started(os.getpid()))
    leave(shop)
    assert bell(shop) == {"waiter": None}
