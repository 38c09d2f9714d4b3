"""Recipes that run until somebody stops them, and those that talk to somebody else."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.conftest import git
from tests.dropin.conftest import Place

BIN = ".claude/coordination/bin"
LIB = '. ".claude/coordination/lib/coordination.sh"\n'
#: Longer than anything here takes on a busy machine.
PATIENCE = 60


@pytest.fixture
def old(place: Place) -> Place:
    """A checkout in which the old paths lead to the new commands."""
    place.prepare("orchestrate", "import", "--shim", ".claude")
    return place


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def arrive(place: Place, *sessions: str) -> None:
    for name in sessions:
        place.prepare("orchestrate", "check-in", ORCHESTRATE_SESSION=name)


@contextmanager
def running(place: Place, script: str, output: int) -> Iterator[subprocess.Popen[bytes]]:
    """A script in a group of its own, which ends with the block."""
    process = subprocess.Popen(
        ["bash", "-c", script], cwd=place.folder, stdout=output, stderr=output,
        stdin=subprocess.DEVNULL, start_new_session=True, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def seen(source: int, word: str) -> str:
    """What came until ``word`` did."""
    text = ""
    while word not in text:
        ready, _, _ = select.select([source], [], [], PATIENCE)
        assert ready, f"nothing more came after {text!r}"
        text += os.read(source, 4096).decode(errors="replace")
    return text


@pytest.mark.parametrize(
    "recipe",
    [f"watch -n 30 '{BIN}/coord-status'", f"watch -n 10 -c '{BIN}/coord-status --verbose'"],
)
def test_watching_the_status_on_a_terminal(old: Place, recipe: str) -> None:
    needs("watch")
    arrive(old, "one")
    shown, terminal = pty.openpty()
    try:
        with running(old, f"stty rows 40 cols 100; {recipe}", terminal):
            assert "Instances: 1" in seen(shown, "Total File Locks")
    finally:
        os.close(terminal)
        os.close(shown)


@pytest.mark.slow
def test_the_loop_that_looks_every_minute(old: Place) -> None:
    needs("jq")
    arrive(old, "one", "two")
    loop = f"""while true; do
      INSTANCES=$({BIN}/coord-status --json | jq '.instances | length')
      if [[ $INSTANCES -gt 1 ]]; then
        echo "Multiple instances detected!"
      fi
      sleep 60
    done"""
    source, target = os.pipe()
    try:
        with running(old, loop, target) as process:
            assert seen(source, "detected!") == "Multiple instances detected!\n"
            assert process.poll() is None, "it goes on"
    finally:
        os.close(source)
        os.close(target)


def test_following_what_coordination_does(old: Place) -> None:
    """In place of ``tail -f .claude/logs/hooks.log | grep -i coordination``."""
    source, target = os.pipe()
    try:
        with running(old, "orchestrate log --follow | grep --line-buffered lease", target):
            done = old.run(f"{BIN}/coord-lock", "acquire", "b.py", "Making changes")
            assert done.returncode == 0
            assert "lease.acquire  Making changes" in seen(source, "\n")
    finally:
        os.close(source)
        os.close(target)


class Hook(BaseHTTPRequestHandler):
    """Keeps what was posted."""

    posted: list[bytes]

    def do_POST(self) -> None:
        self.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


def test_telling_a_channel_about_a_new_instance(old: Place) -> None:
    needs("curl")
    posted: list[bytes] = []
    server = HTTPServer(("127.0.0.1", 0), type("Kept", (Hook,), {"posted": posted}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        recipe = f"""{LIB}
        INSTANCE_ID=$(coord_register_instance "My task" main)
        curl -s -X POST $SLACK_WEBHOOK \\
          -d "{{\\"text\\": \\"New Claude instance started: $INSTANCE_ID\\"}}"
        echo "$INSTANCE_ID" """
        done = old.bash(recipe, SLACK_WEBHOOK=f"http://127.0.0.1:{server.server_port}/")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    name = done.stdout.strip()
    assert name.startswith("claude-"), done.stderr
    assert [json.loads(body)["text"] for body in posted] == [f"New Claude instance started: {name}"]


@pytest.mark.slow
def test_a_second_worktree_made_as_ever_shares_locks_and_decisions(old: Place) -> None:
    git(old.folder, "branch", "feature/frontend")
    script = f"""set -e
    git add -f .claude/coordination/bin .claude/coordination/lib
    git commit -qm "commands"
    git branch -f feature/frontend
    git worktree add -q ../repo-frontend feature/frontend
    {BIN}/coord-lock acquire b.py
    {BIN}/coord-decisions add --category=api-design --title="Use JWT"
    cd ../repo-frontend
    {LIB}
    id=$(coord_register_instance "Login component" frontend-ui-developer)
    coord_check_lock b.py || echo "code $?"
    {BIN}/coord-decisions list --category=api-design
    {BIN}/coord-status | grep -c "$id" """
    done = old.bash(script)
    assert "code 10" in done.stdout, done.stderr
    assert "] Use JWT" in done.stdout
    assert done.stdout.rstrip().endswith("1")
