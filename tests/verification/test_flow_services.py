"""The services of a flow end with it, also when the process that plays it is killed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from orchestrator import descendants
from orchestrator.config.model import Config, Flow, Probe, Service, Step
from orchestrator.engine.executor import LocalExecutor
from orchestrator.plugins.builtin import dataflow
from orchestrator.plugins.remote import PluginTrouble, WorkerDied
from orchestrator.plugins.spec import CheckResult, Outcome
from orchestrator.testing import plugins as harness
from orchestrator.verification.rules import Rules
from tests.verification.world import number_in, until

pytestmark = pytest.mark.skipif(not descendants.can_reap(), reason="needs /proc and a reaper")

#: Beside itself it starts a process that leaves its session, as a daemon does.
SERVICE = Service(
    "shop",
    "setsid sh -c 'echo $$ > stray; exec sleep 600' & echo $$ > main; exec sleep 601",
    ready=Probe(run="test -s stray -a -s main"),
)


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[LocalExecutor]:
    rules = Rules(Config("x", {}), None, tmp_path / "state" / "rules" / "c")
    with LocalExecutor(rules) as pool:
        yield pool


def play(executor: LocalExecutor, folder: Path, *steps: Step) -> CheckResult:
    """Play a flow that needs the service, in a worker."""
    flow = Flow("main", steps, services=("shop",), tear_down=("echo $SHOP_PORT >> torn",))
    settings = harness.config(services={"shop": SERVICE}, flows={"main": flow})
    [check] = harness.plan(dataflow, settings, checkout=folder)
    context = harness.context(folder, folder / "scratch", settings=settings)
    fields = {**asdict(context), "upstream": {}}
    del fields["runner"]
    [plugin] = [each for each in executor.describe().plugins if each.name == "dataflow"]
    return executor.execute(plugin, check, fields, 60.0)


def test_a_service_and_what_left_its_session_end_with_the_flow(
    executor: LocalExecutor, tmp_path: Path
) -> None:
    result = play(executor, tmp_path, Step("ask", "cat main stray > pids; echo 1"))
    assert result.outcome is Outcome.PASSED, result.reason
    for pid in (tmp_path / "pids").read_text().split():
        assert until(lambda pid=int(pid): not descendants.alive(pid))  # type: ignore[misc]  # bound
    assert len((tmp_path / "torn").read_text().split()) == 1


def test_after_a_kill_the_service_is_ended_and_the_next_run_takes_down_what_was_set_up(
    executor: LocalExecutor, tmp_path: Path
) -> None:
    trouble: list[PluginTrouble] = []

    def played() -> None:
        try:
            play(executor, tmp_path, Step("hang", "echo $PPID > worker; exec sleep 602"))
        except PluginTrouble as error:
            trouble.append(error)

    thread = threading.Thread(target=played)
    thread.start()
    worker = number_in(tmp_path / "worker")
    left = [number_in(tmp_path / name) for name in ("main", "stray")]
    os.kill(worker, signal.SIGKILL)
    thread.join(30)
    assert [type(error) for error in trouble] == [WorkerDied]
    for pid in left:
        assert until(lambda pid=pid: not descendants.alive(pid))  # type: ignore[misc]  # bound
    assert not (tmp_path / "torn").exists()
    for name in ("main", "stray"):
        (tmp_path / name).unlink()
    again = play(executor, tmp_path, Step("ask", "echo 1"))
    assert [finding.rule for finding in again.findings] == ["flow.left-over"], again
    ports = (tmp_path / "torn").read_text().split()
    assert len(set(ports)) == 2, "of the killed run, and of this one"
    assert play(executor, tmp_path, Step("ask", "echo 1")).findings == ()
