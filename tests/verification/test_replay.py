"""A verdict is replayed while nothing it depends on has changed, and never otherwise.

Every command of these tests leaves a line outside of its checkout when it
runs, so that what was executed is seen and not told.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.config.model import Cache as CacheLimits
from orchestrator.config.model import Check as ConfiguredCheck
from orchestrator.config.model import Config, Layer, Prepare, Verification
from orchestrator.plugins.remote import Worker
from orchestrator.plugins.spec import Check
from orchestrator.verification.checkout import Candidate, checkouts_folder
from orchestrator.verification.fingerprints import of_tools
from orchestrator.verification.inputs import Inputs
from orchestrator.verification.ledger import Entry
from orchestrator.verification.outcome import CheckReport, Report
from orchestrator.verification.replay import ledger_of
from tests.conftest import git
from tests.verification.world import COMMANDS, World, layer, outcomes


class Runs:
    """A world, and the checks that were really executed in the last run."""

    def __init__(self, world: World, log: Path) -> None:
        self.world, self.log = world, log

    def command(self, name: str, then: str = "true") -> str:
        return f"echo {name} >> {self.log}; {then}"

    def run(self, config: Config, **request: object) -> set[str]:
        self.log.write_text("")
        self.report: Report = self.world.report(config, **request)  # type: ignore[arg-type]
        return set(self.log.read_text().split())

    def check(self, name: str) -> CheckReport:
        return next(check for check in self.report.checks if check.id == name)


@pytest.fixture
def runs(world: World, tmp_path: Path) -> Runs:
    return Runs(world, tmp_path / "ran")


@pytest.fixture
def one(runs: Runs) -> Config:
    """One check that read nothing in particular."""
    return runs.world.config(layer("data", a=runs.command("a")))


def test_an_unchanged_run_is_replayed_with_the_run_it_came_from(runs: Runs, one: Config) -> None:
    assert runs.run(one, run_id="run-1") == {"a"}
    first = runs.check("data/a")
    assert runs.run(one, run_id="run-2") == set()
    check = runs.check("data/a")
    assert (check.cached_from, check.result) == ("run-1", first.result)
    assert runs.report.facts()["replayed"] == 1
    assert 0 < runs.report.facts()["oldest_evidence"] < 60
    assert Report.from_json(runs.report.to_json()) == runs.report
    assert runs.run(one, run_id="run-3", fresh=True) == {"a"}
    assert runs.check("data/a").cached_from is None
    runs.run(one, run_id="run-4")
    assert runs.check("data/a").cached_from == "run-3", "what ran last is what is remembered"


def test_an_unchanged_run_starts_no_worker(
    runs: Runs, one: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(
        "orchestrator.engine.executor.Worker",
        lambda marker: (started.append(marker), Worker(marker))[1],  # type: ignore[func-returns-value]
    )
    runs.run(one)
    first = list(started)
    assert first
    runs.run(one)
    assert started == first


def test_only_what_passed_at_the_first_try_is_remembered(runs: Runs, tmp_path: Path) -> None:
    flaky = f"test -e {tmp_path}/second || {{ touch {tmp_path}/second; exit 1; }}"
    checks = {
        "bad": runs.command("bad", "exit 1"),
        "absent": runs.command("absent", "no-such-tool"),
        "flaky": runs.command("flaky", flaky),
        "good": runs.command("good"),
    }
    config = runs.world.config(layer("data", **checks))
    assert runs.run(config) == {"bad", "absent", "flaky", "good"}
    assert runs.run(config) == {"bad", "absent", "flaky"}
    assert outcomes(runs.report)["data/good"] == "passed"


def test_checks_that_may_not_be_replayed_run_again(runs: Runs) -> None:
    def check(name: str, **values: object) -> ConfiguredCheck:
        return ConfiguredCheck(name, run=runs.command(name), **values)  # type: ignore[arg-type]

    checks = (
        check("refused", cache=False),
        check("clock", options={"deterministic": False}),
        check("author", options={"cache": False}),
        check("base", options={"needs_base": True}),
        check("plain"),
    )
    config = runs.world.config(Layer("data", ("**",), checks=checks))
    everything = {"refused", "clock", "author", "base", "plain"}
    assert runs.run(config) == everything
    assert runs.run(config) == everything - {"plain"}
    off = replace(config, verification=Verification(cache=CacheLimits(enabled=False)))
    assert runs.run(off) == everything


def test_the_environment_counts_where_it_is_declared_and_cannot_be_seen_elsewhere(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DECLARED", "1")
    monkeypatch.setenv("HIDDEN", "1")
    said = runs.command("a", 'echo "[$DECLARED$HIDDEN]"')
    config = runs.world.config(layer("data", a=said), environment=("DECLARED",))
    runs.run(config)
    assert "[1]" in runs.check("data/a").result.output, "an undeclared variable is not inherited"
    monkeypatch.setenv("HIDDEN", "2")
    assert runs.run(config) == set()
    monkeypatch.setenv("DECLARED", "2")
    assert runs.run(config) == {"a"}
    assert "[2]" in runs.check("data/a").result.output
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    assert runs.run(config) == {"a"}, "what is always allowed counts too"


def head(world: World) -> Candidate:
    """What is committed."""
    found = world.repository.git.commit("HEAD")
    assert found
    return Candidate.of(world.repository.git, found)


def mode(world: World) -> None:
    (world.folder / "script").chmod(0o755)
    world.commit({})


def target(world: World) -> None:
    (world.folder / "link").unlink()
    (world.folder / "link").symlink_to("README.md")
    world.commit({})


def submodule(world: World) -> None:
    git(world.folder, "update-index", "--cacheinfo", f"160000,{'5' * 40},module")
    git(world.folder, "commit", "-qm", "submodule")
    world.candidate = head(world)


def message(world: World) -> None:
    """The same files in another commit: a check of messages would see it."""
    git(world.folder, "commit", "-q", "--amend", "-m", "another message")
    world.candidate = head(world)


@pytest.mark.parametrize("change", [mode, target, submodule, message])
def test_what_a_commit_is_made_of_counts(
    runs: Runs, one: Config, change: Callable[[World], None]
) -> None:
    folder = runs.world.folder
    (folder / "script").write_text("#!/bin/sh\n")
    (folder / "link").symlink_to("script")
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{'4' * 40},module")
    git(folder, "add", "script", "link")
    git(folder, "commit", "-qm", "more")
    runs.world.candidate = head(runs.world)
    runs.run(one)
    assert runs.run(one) == set()
    change(runs.world)
    assert runs.run(one) == {"a"}


def test_a_tool_counts_wherever_it_is_on_the_path(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "helper").write_text("#!/bin/sh\necho 1\n")
    (tools / "tool").write_text("#!/bin/sh\nexec helper\n")
    for file in tools.iterdir():
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    config = runs.world.config(layer("data", a=runs.command("a", "tool")))
    runs.run(config)
    assert runs.run(config) == set()
    was = (tools / "helper").stat()
    (tools / "helper").write_text("#!/bin/sh\necho 2\n")  # the folder itself does not change
    os.utime(tools / "helper", ns=(was.st_atime_ns, was.st_mtime_ns))
    assert runs.run(config) == {"a"}, "also one that only another tool starts"
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    (tools / "python3").symlink_to(os.environ.get("PYTHON", "/bin/sh"))
    tools.rename(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    runs.run(config)
    assert runs.run(config) == set()
    (packages / "thing-2.0.dist-info").mkdir()
    assert runs.run(config) == {"a"}, "a package of a Python on the path"


def test_which_version_a_manager_has_chosen_counts(tmp_path: Path) -> None:
    shims, chosen = tmp_path / "shims", tmp_path / "version"
    shims.mkdir()
    chosen.write_text("3.11\n")
    world = {"PATH": str(shims), "HOME": str(tmp_path)}
    known = of_tools(world, tmp_path / "checkout")
    for change in (
        lambda: chosen.write_text("3.12\n"),
        lambda: (tmp_path / "versions/3.12/lib/python3.12/site-packages").mkdir(parents=True),
        lambda: (tmp_path / "versions/3.12/lib/python3.12/site-packages/a-1.dist-info").mkdir(),
        lambda: (tmp_path / ".tool-versions").write_text("python 3.12\n"),
    ):
        change()
        before, known = known, of_tools(world, tmp_path / "checkout")
        assert known != before


def test_the_plugin_its_version_and_its_code_count(runs: Runs, one: Config) -> None:
    world = runs.world
    name = world.plugin(COMMANDS)
    runs.run(one)
    assert runs.run(one) == set()
    file = world.rules_folder / name
    file.write_text(COMMANDS + "\n# judges otherwise\n")
    assert runs.run(one) == {"a"}
    file.write_text(COMMANDS.replace('"commands", "1"', '"commands", "2"'))
    assert runs.run(one) == {"a"}


def test_what_was_prepared_counts(runs: Runs, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.write_text("1")
    steps = (Prepare("mkdir -p env && cp lock env/", when_changed=("lock",)),
             Prepare(f"cp {made} generated"))  # fmt: skip
    config = runs.world.config(
        layer("data", a=runs.command("a", "cat env/lock generated")), prepare=steps, keep=("env",)
    )
    runs.world.commit({"lock": "1"})
    runs.run(config)
    assert runs.run(config) == set()
    made.write_text("2")
    assert runs.run(config) == {"a"}, "what a step made, though no file of the commit changed"
    assert runs.run(config) == set()
    kept = checkouts_folder(runs.world.repository) / "1" / "env" / "lock"
    kept.write_text("tampered with")
    assert runs.run(config) == {"a"}, "a kept folder that somebody changed"


def test_declared_inputs_narrow_what_counts_to_the_layers_below(runs: Runs) -> None:
    check = ConfiguredCheck("c", run=runs.command("ui"), inputs=("lock",))
    world = runs.world
    world.commit(dict.fromkeys(("data/a", "ui/a", "docs/a", "lock", "other"), "1"))
    data, ui = Layer("data", ("data/**",)), Layer("ui", ("ui/**",), ("data",), checks=(check,))
    config = world.config(data, ui)
    runs.run(config)
    world.commit({"other": "2", "docs/a": "2"})
    assert runs.run(config) == set()
    world.commit({"data/a": "2"})
    assert runs.run(config) == {"ui"}, "a layer below"

    def parts(declared: str) -> Mapping[str, str]:
        narrowed = replace(ui, checks=(replace(check, inputs=(declared,)),))
        planned = Check("ui/c", "integrity", "commands", "c", "ui")
        return Inputs(world.config(data, narrowed), head(world), world.repository.git).parts(
            planned
        )

    known = parts("lock")
    for path, counts in {
        "docs/a": False,
        "lock": True,
        "ui/a": True,
        ".gitattributes": True,
    }.items():
        world.commit({path: f"3 {path}"})
        before, known = known, parts("lock")
        assert (known != before) == counts, path
    (world.folder / "lock").unlink()
    (world.folder / "lock").symlink_to("other")
    world.commit({})
    assert "tree" in parts("lock"), "a link: what it leads to may be anything"
    assert "tree" in parts("lokc"), "inputs that match nothing narrow nothing"


def test_the_result_of_what_a_check_waits_for_counts(runs: Runs, tmp_path: Path) -> None:
    value = tmp_path / "value"
    value.write_text("1")
    source = ConfiguredCheck("s", run=f"cat {value}", options={"deterministic": False})
    gate = ConfiguredCheck("g", run=runs.command("gate"), options={"after": ["data/s"]})
    config = runs.world.config(Layer("data", ("**",), checks=(source, gate)))
    runs.run(config)
    assert runs.run(config) == set()
    value.write_text("2")
    assert runs.run(config) == {"gate"}


def test_checks_that_leave_files_are_known_only_together(runs: Runs, tmp_path: Path) -> None:
    """Else the second check would pass because what it looks at was never made."""
    wrong = tmp_path / "wrong"
    wrong.touch()
    config = runs.world.config(
        layer("data", make=runs.command("make", "touch built")),
        layer("ui", "data", look=runs.command("look", f"test ! -e built || test ! -e {wrong}")),
        parallel=1,
    )
    assert runs.run(config) == {"make", "look"}
    assert outcomes(runs.report)["ui/look"] == "failed"
    assert runs.run(config) == {"make", "look"}
    assert outcomes(runs.report)["ui/look"] == "failed", "not green because nothing was built"
    wrong.unlink()
    runs.run(config)
    assert runs.run(config) == set(), "all of it is known"


def test_the_configuration_counts(runs: Runs, one: Config) -> None:
    runs.run(one)
    data = one.layers["data"]
    for changed in (
        replace(
            one, layers={"data": replace(data, checks=(replace(data.checks[0], timeout=9.0),))}
        ),
        replace(one, project="other"),
    ):
        assert runs.run(changed) == {"a"}
        assert runs.run(changed) == set()


def test_old_evidence_and_damaged_entries_are_not_used(runs: Runs, one: Config) -> None:
    runs.run(one)
    folder = runs.world.repository.state / "verdicts"
    for file in folder.glob("??/*.json"):
        file.write_bytes(file.read_bytes()[:-5])
    assert runs.run(one) == {"a"}
    assert any("damaged" in warning for warning in runs.report.warnings)
    short = replace(one, verification=Verification(cache=CacheLimits(max_age=0.001)))
    runs.run(short)
    deadline = time.monotonic() + 0.002
    while time.monotonic() < deadline:
        pass
    assert runs.run(short) == {"a"}


def test_why_a_check_ran_again_although_nothing_changed_is_known(
    runs: Runs, tmp_path: Path, one: Config
) -> None:
    def entry(check: str = "data/a") -> Entry:
        return ledger_of(runs.world.repository).read()[check]

    runs.run(one, run_id="run-1")
    assert entry().again == "no verdict is remembered for this key"
    runs.run(one, fresh=True)
    assert entry().again == "it was asked to (--no-cache)"
    config = runs.world.config(
        layer("data", make=runs.command("make", "touch built")),
        layer("ui", "data", look=runs.command("look", "false")),
    )
    runs.run(config, run_id="run-2")
    runs.run(config)
    assert entry("data/make").again == (
        "run-2 left files in its checkout, so its verdicts hold only where no check has to run"
    )
    before = entry("ui/look").before_note
    assert before == "it failed; only what passed is remembered"


def test_a_tool_that_changes_while_checks_run_is_named(runs: Runs, tmp_path: Path) -> None:
    kept = runs.world.folder / "kept"
    step = runs.command("a", "mkdir -p kept; date +%N > kept/tool")
    layers = runs.world.config(layer("data", a=step)).layers
    config = Config("x", layers=layers, verification=Verification(keep=("kept",)))
    assert runs.run(config) == {"a"}
    assert not kept.exists(), "it is in the checkout, not here"
    note = ledger_of(runs.world.repository).read()["data/a"].note
    assert note == "kept kept changed while it ran"


def test_many_troubles_of_the_cache_are_one_warning(runs: Runs) -> None:
    checks = {name: runs.command(name) for name in "abcd"}
    config = runs.world.config(layer("data", **checks))
    runs.run(config)
    for file in (runs.world.repository.state / "verdicts").glob("??/*.json"):
        file.write_bytes(b"")
    runs.run(config)
    [warning] = runs.report.warnings
    assert warning.endswith("was damaged, and is gone (and 3 more)")


def test_worktrees_share_what_was_found(runs: Runs, one: Config, tmp_path: Path) -> None:
    runs.run(one)
    git(runs.world.folder, "worktree", "add", "-q", "--detach", str(tmp_path / "other"))
    other = World(tmp_path / "other")
    other.rules_folder, other.plugins = runs.world.rules_folder, runs.world.plugins
    assert Runs(other, runs.log).run(one) == set()


def test_a_stopped_run_remembers_what_had_passed(runs: Runs) -> None:
    stop = threading.Event()
    config = runs.world.config(
        layer("data", a=runs.command("a")), layer("ui", "data", b=runs.command("b")), parallel=1
    )

    class Stopping:
        def planned(self, checks: object) -> None: ...
        def started(self, check: object) -> None: ...
        def finished(self, report: CheckReport) -> None:
            stop.set()

    runs.run(config, listener=Stopping(), stop=stop)
    assert outcomes(runs.report) == {"data/a": "passed", "ui/b": "not_run"}
    assert runs.run(config) == {"b"}
