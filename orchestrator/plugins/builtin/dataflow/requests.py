"""Runs one step of a flow as an HTTP request: it sends JSON, the answer's JSON is its output."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from orchestrator.plugins.builtin.contracts.verdict import shown
from orchestrator.plugins.builtin.dataflow import client
from orchestrator.plugins.builtin.dataflow.payloads import NoDocument, document
from orchestrator.plugins.builtin.dataflow.stage import Stage
from orchestrator.plugins.builtin.dataflow.steps import TAIL, Broken, Ran
from orchestrator.plugins.spec import Json

__all__ = ["BODILESS", "send"]

#: Methods that send no body.
BODILESS = frozenset(("GET", "HEAD", "OPTIONS"))
_FROM_PAYLOAD = re.compile(r"\{input((?:\.[^.{}]+)+)\}")


def send(step: Mapping[str, Json], payload: Json, stage: Stage, limit: float) -> Ran | Broken:
    """Make a step's request, for at most ``limit`` seconds. Raises ``client.Refused``."""
    http = step["http"]
    try:
        url = _FROM_PAYLOAD.sub(lambda found: _value(payload, found), http["url"])
    except _NoValue as error:
        return Broken("flow.no-value", str(error), True, "", producer=True)
    body = None if http["method"] in BODILESS else json.dumps(payload).encode()
    kind = {} if body is None else {"Content-Type": "application/json"}
    question = client.Question(
        http["method"],
        stage.fill(url, quoted=False),
        {"Accept": "application/json", **kind, **http["headers"]},
        body,
        http["external"],
    )
    try:
        answer = client.ask(question, min(float(step["timeout"]), limit))
    except client.NoAnswer as error:
        return Broken(error.rule, str(error), False, "")
    return _judged(http, question.url, answer)


class _NoValue(Exception):
    """The payload has no plain value an address needs."""


def _value(payload: Json, found: re.Match[str]) -> str:
    value = payload
    for key in found[1][1:].split("."):
        if isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, Mapping) and key in value:
            value = value[key]
        else:
            raise _NoValue(f"has no ${found[1]}")
    if value is None or isinstance(value, list | Mapping):
        raise _NoValue(f"has no plain value at ${found[1]}, but {shown(value, 40)}")
    return quote(json.dumps(value) if not isinstance(value, str) else value, safe="")


def _judged(http: Mapping[str, Json], url: str, answer: client.Answer) -> Ran | Broken:
    printed = answer.body[:TAIL].decode(errors="replace")
    wanted = http["status"]
    good = answer.status == wanted if wanted else 200 <= answer.status < 300
    if not good:
        expected = f", not {wanted}" if wanted else ""
        reason = f"answered {answer.status}{_redirect(answer, url)}{expected}"
        return Broken("flow.wrong-status", reason, True, printed)
    try:
        output = document(answer.body) if answer.body.strip() else None
    except NoDocument as error:
        kind = f" ({answer.media})" if answer.media else ""
        return Broken("flow.not-json", f"gave an answer{kind} that {error}", True, printed)
    return Ran(output, answer.seconds, answer.status, answer.media)


def _redirect(answer: client.Answer, url: str) -> str:
    """Where it wanted to send us; without the port where that is its own, which changes."""
    if not (300 <= answer.status < 400 and answer.location):
        return ""
    there, here = urlsplit(answer.location), urlsplit(url)
    place = there._replace(scheme="", netloc="") if there.netloc == here.netloc else there
    return f" (a redirect to {place.geturl()}, which is not followed)"
