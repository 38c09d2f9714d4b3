"""Workers end with whoever needed them, and whatever they started ends with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator import descendants
from orchestrator.config.model import Config, Verification
from orchestrator.engine.executor import LocalExecutor
from orchestrator.engine.head_start import head_start
from orchestrator.git import Repository
from orchestrator.plugins.remote import PluginTrouble, Worker, WorkerDied, WorkerHung
from orchestrator.plugins.spec import Json, PlanRequest
from orchestrator.verification.rules import Rules
from tests.verification.world import number_in, until

pytestmark = pytest.mark.skipif(not descendants.can_reap(), reason="needs /proc and a reaper")


def rules(state: Path) -> Rules:
    return Rules(Config("x", {}, verification=Verification()), None, state / "rules" / "c")


def start_and_wait(told: Path) -> str:
    """A command that starts a process of its own session, tells its id, and stays."""
    return f"setsid sh -c 'echo $$ > {told}; exec sleep 600' & sleep 601"


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return tmp_path / "told"


def test_a_killed_parent_leaves_no_process(tmp_path: Path, told: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from orchestrator.config.model import Config\n"
        "from orchestrator.engine.executor import LocalExecutor\n"
        "from orchestrator.verification.rules import Rules\n"
        "rules = Rules(Config('x', {}), None, Path(sys.argv[1]) / 'rules' / 'c')\n"
        "LocalExecutor(rules).command(sys.argv[2], '/', {'PATH': sys.argv[3]}, 600)\n"
    )
    arguments = [str(tmp_path), start_and_wait(told), os.environ["PATH"]]
    parent = subprocess.Popen([sys.executable, "-c", program, *arguments])
    stray = number_in(told)
    [worker] = descendants.children(parent.pid)
    parent.kill()
    parent.wait()
    assert until(lambda: not descendants.alive(worker))
    assert until(lambda: not descendants.alive(stray))


def test_strays_of_a_killed_worker_are_ended_by_the_next_pool(tmp_path: Path, told: Path) -> None:
    """Killed with its parent, at once: nobody was left to clean up."""
    program = (
        "import os, signal, sys, threading\n"
        "from pathlib import Path\n"
        "from orchestrator.descendants import marker\n"
        "from orchestrator.plugins.remote import Worker\n"
        "worker = Worker(marker(Path(sys.argv[1])) + '/1')\n"
        "print(worker.pid, flush=True)\n"
        "request = {'do': 'command', 'command': sys.argv[2], 'cwd': '/', 'timeout': 600,\n"
        "           'environment': {'PATH': sys.argv[3]}}\n"
        "worker.ask(request, 600)\n"
    )
    arguments = [str(tmp_path), start_and_wait(told), os.environ["PATH"]]
    parent = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert parent.stdout is not None and parent.stderr is not None
    worker, stray = int(parent.stdout.readline()), number_in(told)
    parent.send_signal(signal.SIGSTOP)
    os.kill(worker, signal.SIGKILL)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    parent.stderr.close()
    assert descendants.alive(stray)
    with LocalExecutor(rules(tmp_path)) as executor:
        assert executor.command("true", "/", {"PATH": os.environ["PATH"]}, 60).ok
    assert until(lambda: not descendants.alive(stray))


def test_abort_ends_a_running_command_and_refuses_the_next(tmp_path: Path, told: Path) -> None:
    import threading

    executor = LocalExecutor(rules(tmp_path))
    world = {"PATH": os.environ["PATH"]}
    ended: list[BaseException] = []

    def run() -> None:
        try:
            executor.command(start_and_wait(told), "/", world, 600)
        except PluginTrouble as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    stray = number_in(told)
    executor.abort()
    thread.join(20)
    assert [type(error) for error in ended] == [WorkerDied]
    assert until(lambda: not descendants.alive(stray))
    with pytest.raises(WorkerDied, match="stopped"):
        executor.command("true", "/", world, 60)
    executor.close()


def test_a_worker_is_used_again_and_replaced_after_it_hung(tmp_path: Path) -> None:
    world = {"PATH": os.environ["PATH"]}
    with LocalExecutor(rules(tmp_path), patience=0.2) as executor:
        first = executor.command("echo $PPID", "/", world, 60).output
        assert executor.command("echo $PPID", "/", world, 60).output == first
        with pytest.raises(WorkerHung):
            executor._ask({"do": "command", "command": "sleep 600", "cwd": "/",
                           "environment": world, "timeout": 600}, 0.3)  # fmt: skip
        assert executor.command("echo $PPID", "/", world, 60).output != first


def test_a_worker_that_was_started_ahead_is_used_after_orphans_are_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    monkeypatch.setattr(descendants, "end_orphans", ended.append)
    place = Repository(tmp_path, tmp_path, tmp_path)
    with head_start(place, wanted=True) as [worker]:
        with LocalExecutor(rules(place.state), ready=[worker]) as executor:
            said = executor.command("echo $PPID", "/", {"PATH": os.environ["PATH"]}, 60).output
        assert said.strip() == str(worker.pid)
    assert ended == [descendants.marker_key(place.state)]
    assert not descendants.alive(worker.pid)


def test_a_worker_nobody_asked_anything_is_gone_at_once(tmp_path: Path) -> None:
    place = Repository(tmp_path, tmp_path, tmp_path)
    with pytest.raises(ValueError, match="mine"), head_start(place, wanted=True) as [worker]:
        raise ValueError("mine")
    assert not descendants.alive(worker.pid)
    with head_start(place, wanted=False) as none:
        assert none == []


_SPOILER = """
from orchestrator.plugins.spec import Check, CheckResult, Outcome, PluginInfo, hookimpl

@hookimpl
def orchestrate_plugin():
    return PluginInfo("spoiler", "1", "integrity")

@hookimpl
def orchestrate_plan(request):
    return [Check(f"project {request.config.pop('project')}", "integrity", "spoiler", "t")]

@hookimpl
def orchestrate_execute(check, context):
    return CheckResult(Outcome.FAILED, f"project {context.config.pop('project')}")
"""


def test_the_configuration_is_sent_once_and_no_plugin_changes_it_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bool] = []
    send = Worker._send

    def spy(worker: Worker, request: dict[str, Json], deadline: float) -> None:
        sent.append("config" in request)
        send(worker, request, deadline)

    monkeypatch.setattr(Worker, "_send", spy)
    (tmp_path / "rules" / "c").mkdir(parents=True)
    (tmp_path / "rules" / "c" / "p.py").write_text(_SPOILER)
    config = Config("shop", {}, verification=Verification(plugins=("p.py",)))
    place = Rules(config, None, tmp_path / "rules" / "c")
    places = ("checkout", "scratch", "commit", "base", "base_checkout", "repository")
    world = {"environment": {}, "base_environment": {}, "timeout": 9, "upstream": {}}
    context = {**dict.fromkeys(places, ""), **world}
    with LocalExecutor(place, others=False) as executor:
        [plugin] = executor.describe().plugins
        asked = PlanRequest(config.to_json(), (), None, "", None)
        for _ in range(2):
            [check] = executor.plan(plugin, asked, 60)
            assert check.id == "project shop"
            told = {**context, "config": config.to_json()}
            assert executor.execute(plugin, check, told, 60).reason == "project shop"
        other = {**context, "config": Config("other", {}).to_json()}
        assert executor.execute(plugin, check, other, 60).reason == "project other"
    assert sent == [False, True, False, False, False, True]


def test_commands_carry_the_marker_of_the_state_folder(tmp_path: Path) -> None:
    with LocalExecutor(rules(tmp_path)) as executor:
        said = executor.command(f"echo ${descendants.MARKER}", "/", dict(os.environ), 60).output
    assert said.startswith(f"{descendants.marker_key(tmp_path)}.{os.getpid()}.")


def test_a_worker_leaves_when_its_pipe_is_closed(tmp_path: Path) -> None:
    worker = Worker("mark")
    assert descendants.alive(worker.pid)
    worker.close()
    assert not descendants.alive(worker.pid)


def test_a_request_that_nobody_understands_is_trouble_not_death(tmp_path: Path) -> None:
    worker = Worker("mark")
    with pytest.raises(PluginTrouble, match="KeyError"):
        worker.ask({"do": "dance"}, 60)
    with pytest.raises(PluginTrouble):
        worker.ask({"do": "plan"}, 60)
    worker.close()
