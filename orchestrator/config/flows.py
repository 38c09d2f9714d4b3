"""What the schema cannot see in flows and services: what leads nowhere, or out of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestrator.config.addresses import filled, is_loopback, mentioned
from orchestrator.config.payload_places import BadPlace, parsed
from orchestrator.config.problems import Problem, known, quoted, suggest
from orchestrator.config.view import EACH, View

__all__ = ["FLOW_CHECKS"]

_NOT_HERE = "is no http address of this machine"


def _shapes_of_steps(whole: View) -> Iterator[Problem]:
    for step in whole.select("flows", EACH, "steps", EACH):
        if not isinstance(step.node.value, dict):
            continue
        given = [key for key in ("run", "http") if step.get(key)]
        if len(given) == 2:
            yield step.problem("E115", "a step can have only one of run and http")
        elif not given:
            hints = (suggest(str(key), ("run", "http")) for key in step.node.children)
            hint = next((hint for hint in hints if hint), None)
            yield step.problem("E115", "a step needs one of run or http", hint)


def _probes(whole: View) -> Iterator[Problem]:
    for ready in whole.select("services", EACH, "ready"):
        given = [key for key in ("http", "tcp", "run") if ready.get(key)]
        if len(given) > 1:
            yield ready.problem("E115", f"ready can have only one of {' and '.join(given)}")


def _names_of_services(whole: View) -> Iterator[Problem]:
    for name, service in whole.entries("services"):
        if name in ("input", "output"):
            hint = "{input} and {output} stand for the payload"
            yield service.problem("E113", f"a service cannot be called {name}", hint)


def _placeholders(whole: View) -> Iterator[Problem]:
    """Only what was clearly meant as a service: other braces are the shell's own."""
    every = [name for name, _ in whole.entries("services")]
    for flow in whole.select("flows", EACH):
        started = [name for name, _ in flow.texts("services", EACH)]
        for text, view in _texts(flow):
            for name in mentioned(text):
                if name in started or name == "input":
                    continue
                if name in every:
                    hint = f"add it: services: [{', '.join([*started, name])}]"
                    message = f"service {quoted(name)} is not started for this flow"
                    yield view.problem("E103", message, hint)
                elif suggest(name, every):
                    hint = known(name, every, "Defined services")
                    yield view.problem("E103", f"service {quoted(name)} is not defined", hint)


def _texts(flow: View) -> Iterator[tuple[str, View]]:
    yield from flow.texts("steps", EACH, "run")
    yield from flow.texts("steps", EACH, "http", "url")
    yield from flow.texts("tear_down", EACH)


def _outside(whole: View) -> Iterator[Problem]:
    """Requests leave this machine only where that is said."""
    for http in whole.select("flows", EACH, "steps", EACH, "http"):
        external = http.get("external")
        if external is not None and external.node.value is True:
            continue
        for url, view in http.texts("url"):
            if not is_loopback(filled(url, _sample)):
                hint = "ask a service: {NAME.url}/…; or say external: true"
                yield view.problem("E106", f"{quoted(url)} {_NOT_HERE}", hint)
    for url, view in whole.texts("services", EACH, "ready", "http"):
        if not url.startswith("/") and not is_loopback(filled(url.replace("{port}", "1"), _sample)):
            yield view.problem("E106", f"{quoted(url)} {_NOT_HERE}", "a path will do: /health")


def _sample(name: str, key: str) -> str | None:
    if name == "input":
        return None
    return "http://127.0.0.1:1" if key == "url" else "1"


def _places(whole: View) -> Iterator[Problem]:
    """The places of ready-made invariants."""
    for flow in whole.select("flows", EACH):
        steps = [name for name, _ in flow.texts("steps", EACH, "name")]
        for text, view in flow.texts("invariants", EACH, EACH, EACH):
            try:
                parsed(text, steps)
            except BadPlace as error:
                yield view.problem("E103", f"{quoted(text)}: {error}", error.hint)


def _numbers_of_spans(whole: View) -> Iterator[Problem]:
    for expect in whole.select("flows", EACH, "spans", "expect", EACH):
        most, least = expect.get("max"), expect.get("min")
        fewest = least.node.value if least is not None else 1
        if most is None or type(most.node.value) is not int or type(fewest) is not int:
            continue
        if most.node.value < fewest:
            message = f"max ({most.node.value}) is less than min ({fewest})"
            yield most.problem("E106", message, "min: 0, max: 0 means that there must be none")


FLOW_CHECKS: tuple[Callable[[View], Iterator[Problem]], ...] = (
    _shapes_of_steps,
    _probes,
    _names_of_services,
    _placeholders,
    _outside,
    _places,
    _numbers_of_spans,
)
