"""What is found in flows and services that leads nowhere, or out of this machine."""

from __future__ import annotations

import pytest

from orchestrator.config.load import load_text
from orchestrator.config.problems import InvalidConfig
from orchestrator.config.show import as_yaml, written

FILE = """\
version: 1
project: shop
layers: {{data: {{paths: ["data/**"]}}}}
services:
  orders: {{run: "shop {{port}}", layer: data, ready: {{http: /health}}}}
  other: {{run: other{service}}}
flows:
  main:
    services: [orders]
    steps:
      - {{name: enter, run: enter, input: {{}}}}
      - {{name: keep, {step}}}
    invariants: [{invariant}]
    spans: {{expect: [{{name: keep{span}}}]}}
"""


def file(
    step: str = "run: keep", invariant: str = '"true"', span: str = "", service: str = ""
) -> str:
    return FILE.format(step=step, invariant=invariant, span=span, service=service)


@pytest.mark.parametrize(
    "parts",
    [
        {"step": 'http: {url: "{orders.url}/x/{input.id}", method: GET}'},
        {"step": 'http: {url: "http://[::1]:80/", headers: {A: b}, status: 404}'},
        {"step": 'http: {url: "https://example.org/", external: true}'},
        {"step": "run: 'echo ${x.port} {self.port} {orders.port} {input} {output}'"},
        {"invariant": '{unique: ["keep.output.a[].b", "steps.enter.input[0]"]}'},
        {"span": ", min: 0, max: 0"},
    ],
)
def test_what_is_right_loads_and_can_be_written_again(parts: dict[str, str]) -> None:
    config = load_text(file(**parts), source="x")
    assert load_text(as_yaml(written(config)), source="x") == config


@pytest.mark.parametrize(
    ("parts", "code", "said"),
    [
        ({"step": "layer: data"}, "E115", "a step needs one of run or http"),
        ({"step": 'run: a, http: {url: "http://localhost/"}'}, "E115", "only one of run and http"),
        ({"step": 'http: {url: "https://example.org/"}'}, "E106", "no http address of this"),
        ({"step": 'http: {url: "http://localhost@example.org/"}'}, "E106", "no http address of"),
        ({"step": 'http: {url: "{orders.port}/x"}'}, "E106", "no http address of this machine"),
        ({"step": 'run: "keep {other.url}"'}, "E103", 'service "other" is not started for this'),
        ({"step": 'run: "keep {ordres.url}"'}, "E103", 'service "ordres" is not defined'),
        ({"invariant": "{unique: [kept.output]}"}, "E103", 'there is no step "kept"'),
        ({"invariant": "{unique: [keep.outputs]}"}, "E103", "has to come .input or .output"),
        ({"invariant": '{unique: ["keep.output.[x]"]}'}, "E103", "leads nowhere"),
        ({"invariant": "{unic: [keep.output]}"}, "E104", 'key "unic" is not known'),
        ({"invariant": "{round_trip: [keep.output]}"}, "E106", "needs at least 2 entries"),
        ({"invariant": '"steps.kept.output == 1"'}, "E114", 'there is no step "kept"'),
        ({"span": ", max: 0"}, "E106", "max (0) is less than min (1)"),
        ({"service": ", ready: {tcp: 1, run: x}"}, "E115", "only one of tcp and run"),
        ({"service": ", ready: {http: 'http://example.org/'}"}, "E106", "no http address of this"),
    ],
)
def test_what_is_wrong_is_found_with_its_place(parts: dict[str, str], code: str, said: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        load_text(file(**parts), source="x")
    found = [(problem.code, said in problem.message) for problem in caught.value.problems]
    assert (code, True) in found, caught.value.message


def test_a_service_that_is_not_there_is_named_with_those_that_are() -> None:
    text = file().replace("services: [orders]", "services: [order]")
    with pytest.raises(InvalidConfig, match='did you mean "orders"'):
        load_text(text, source="x")
