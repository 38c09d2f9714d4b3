"""The plan holds what the configuration asks for, of affected layers only."""

from __future__ import annotations

from orchestrator.config.model import Check, Config, Layer
from orchestrator.plugins.builtin import integrity
from orchestrator.testing import plugins as harness

RUN = Check("unit", run="make test", report={"format": "junit", "path": "out/*.xml"}, timeout=7.0)
LINT = Check("lint", run="lint > {report}")
ORDER = Check("order", imports={"layers": ["app.a", "app.b"], "root": None})
FOREIGN = Check("licences", uses="licences")


def settings() -> Config:
    return harness.config(
        layers={
            "data": Layer("data", ("db/**",), checks=(RUN, ORDER, FOREIGN), gates=("true",)),
            "web": Layer("web", ("web/**",), checks=(LINT,)),
        },
        integration_tests=(Check("e2e", run="make e2e"),),
    )


def test_each_check_of_the_configuration_becomes_one_check() -> None:
    planned = {check.id: check for check in harness.plan(integrity, settings())}
    assert list(planned) == ["data/unit", "data/order", "data/gates", "web/lint", "integration/e2e"]
    assert {c.family for c in planned.values()} == {"integrity"}
    assert planned["data/unit"].timeout == 7.0 and planned["data/unit"].layer == "data"
    assert planned["integration/e2e"].layer is None


def test_commands_may_be_run_again_and_rules_need_not() -> None:
    again = {c.id for c in harness.plan(integrity, settings()) if c.spec.get("bracket")}
    assert again == {"data/unit", "web/lint", "integration/e2e"}


def test_gates_wait_for_the_commands_of_their_layer() -> None:
    planned = {check.id: check for check in harness.plan(integrity, settings())}
    assert planned["data/gates"].after == ("data/unit",)


def test_layers_that_are_not_affected_are_not_planned() -> None:
    planned = harness.plan(integrity, settings(), layers=["web"])
    assert [check.id for check in planned] == ["web/lint", "integration/e2e"]


def test_single_layers_are_checked_without_the_integration_tests() -> None:
    planned = harness.plan(integrity, settings(), layers=["web"], project_wide=False)
    assert [check.id for check in planned] == ["web/lint"]


def test_a_check_named_gates_keeps_its_name() -> None:
    layer = Layer("app", ("**",), checks=(Check("gates", run="true"),), gates=("true",))
    planned = harness.plan(integrity, harness.config(layers={"app": layer}))
    assert len({check.id for check in planned}) == 2


def test_the_plugin_says_who_it_is() -> None:
    info = integrity.orchestrate_plugin()
    assert (info.name, info.family) == ("integrity", "integrity")
