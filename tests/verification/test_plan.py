"""The plan: which layers, and what waits for what."""

from __future__ import annotations

import random

import pytest

from orchestrator.config.model import Config, Layer
from orchestrator.plugins.spec import Check
from orchestrator.verification.plan import Order, affected, arrange, in_order

LAYERS = {
    "ui": Layer("ui", ("src/ui/**",), depends_on=("service",)),
    "service": Layer("service", ("src/api/**",), depends_on=("data",)),
    "data": Layer("data", ("src/db/**",)),
    "jobs": Layer("jobs", ("src/jobs/**",), depends_on=("data",)),
}
CONFIG = Config("shop", LAYERS)


def check(identity: str, layer: str | None = None, **options: object) -> Check:
    return Check(identity, "integrity", "x", identity, layer=layer, **options)  # type: ignore[arg-type]  # a test's shorthand


def alone(*checks: Check) -> list[str]:
    """The order in which checks run one at a time."""
    plan = arrange(checks, CONFIG)
    order, ran = Order(plan), []
    while order.active():
        following = order.next()
        assert following is not None, "with nothing running something must be ready"
        ran.append(following.id)
        order.done(following)
    assert ran == [c.id for c in plan.checks if c.id not in plan.refused]
    return ran


@pytest.mark.parametrize(
    ("changed", "layers"),
    [
        (None, {"data", "service", "ui", "jobs"}),
        ([], set()),
        (["README.md"], set()),
        (["src/ui/page.js"], {"ui"}),
        (["src/api/app.py"], {"service", "ui"}),
        (["src/db/schema.sql"], {"data", "service", "ui", "jobs"}),
        (["src/jobs/a.py", "src/ui/b.js"], {"jobs", "ui"}),
    ],
)
def test_affected_layers_are_the_changed_and_their_dependents(
    changed: list[str] | None, layers: set[str]
) -> None:
    found = affected(CONFIG, changed)
    assert set(found) == layers
    order = in_order(LAYERS)
    assert list(found) == sorted(found, key=order.index)


def test_layers_come_after_those_they_depend_on() -> None:
    order = in_order(LAYERS)
    assert order.index("data") < order.index("service") < order.index("ui")


def test_cheap_first_in_a_rank_integration_then_exclusive_last() -> None:
    ran = alone(
        check("bench", exclusive=True),
        check("integration/all"),
        check("ui/a", "ui"),
        check("data/slow", "data", cost=9.0),
        check("data/cheap", "data", cost=0.1),
        check("contracts/user", cost=5.0),
    )
    assert ran == [
        "data/cheap", "contracts/user", "data/slow", "ui/a", "integration/all", "bench",
    ]  # fmt: skip


def test_a_layer_without_checks_still_passes_the_order_on() -> None:
    assert alone(check("ui/a", "ui"), check("data/z", "data", cost=99.0)) == ["data/z", "ui/a"]


def test_exclusive_checks_wait_for_each_other() -> None:
    order = Order(arrange([check("x", exclusive=True), check("y", exclusive=True)], CONFIG))
    first = order.next()
    assert first is not None and order.next() is None
    order.done(first)
    assert order.next() is not None


def test_what_waits_for_a_refused_check_is_not_stuck() -> None:
    checks = [check("a", needs=("nowhere",)), check("b", after=("a",)), check("c")]
    plan = arrange(checks, CONFIG)
    assert set(plan.refused) == {"a"}
    assert alone(*checks) == ["b", "c"]


def test_a_circle_through_the_layers_is_refused_not_fatal() -> None:
    plan = arrange([check("data/a", "data", after=("ui/b",)), check("ui/b", "ui")], CONFIG)
    assert {"data/a", "ui/b"} == set(plan.refused)
    assert "data/a" in plan.refused["ui/b"]


@pytest.mark.parametrize("seed", range(10))
def test_nothing_runs_before_what_it_waits_for(seed: int) -> None:
    dice = random.Random(seed)
    checks: list[Check] = []
    for number in range(60):
        earlier = [c.id for c in checks if not c.exclusive]
        after = tuple(dice.sample(earlier, min(len(earlier), dice.randrange(3))))
        checks.append(check(f"c{number}", after=after, cost=dice.random()))
    ran = alone(*dice.sample(checks, len(checks)))
    place = {name: number for number, name in enumerate(ran)}
    assert len(ran) == 60
    assert all(place[name] < place[c.id] for c in checks for name in c.after)
