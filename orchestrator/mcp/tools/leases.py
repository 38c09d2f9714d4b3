"""``lease``: take, keep, look at and give back files."""

from __future__ import annotations

from typing import Any

from orchestrator.mcp.tool import STRINGS, Action, Call, Tool
from orchestrator.mcp.values import some

__all__ = ["LEASE", "LONGEST_WAIT"]

#: Seconds a call waits for a lease at most: clients give up on a tool after a minute.
LONGEST_WAIT = 45


def _acquire(call: Call) -> dict[str, Any]:
    given = call.given("shared", "ttl", "wait", "intent")
    lines = call.arguments.get("lines")
    if lines is not None:
        given["lines"] = tuple(lines)
    grant = call.orchestrator.leases.acquire(*call["paths"], **given)
    return {
        "holder": grant.instance,
        **some("leases", grant.leases, _LEASE),
        "remarks": grant.remarks,
    }


_LEASE = "path kind lines mode instance fence intent handoff expires_at"


def _release(call: Call) -> dict[str, Any]:
    paths = call.arguments.get("paths", ())
    return some(
        "paths", call.orchestrator.leases.release(*paths, everything=not paths), "path state"
    )


def _renew(call: Call) -> dict[str, Any]:
    standing = call.orchestrator.leases.renew(*call["paths"], **call.given("ttl", "wrote"))
    return some("paths", standing, "path state")


def _check(call: Call) -> dict[str, Any]:
    return {
        "paths": [
            {"path": one.path, "state": one.state, **some("leases", one.leases, _LEASE)}
            for one in call.orchestrator.leases.check(*call["paths"])
        ]
    }


def _list(call: Call) -> dict[str, Any]:
    return some("leases", call.orchestrator.leases.list(call.arguments.get("instance")), _LEASE)


LEASE = Tool(
    "lease",
    "Hold files before you edit them. paths: files, dir/ or globs; all or none.",
    {
        "acquire": Action(_acquire, "paths", "shared ttl wait lines intent"),
        "release": Action(_release, "", "paths"),
        "renew": Action(_renew, "paths", "ttl wrote"),
        "check": Action(_check, "paths"),
        "list": Action(_list, "", "instance"),
    },
    {
        "paths": {**STRINGS, "minItems": 1},
        "shared": {"type": "boolean"},
        "ttl": {"type": "number", "description": "seconds, 300"},
        "wait": {
            "type": "number",
            "minimum": 0,
            "maximum": LONGEST_WAIT,
            "description": "seconds in the queue",
        },
        "lines": {
            "type": "array",
            "items": {"type": "integer"},
            "minItems": 2,
            "maxItems": 2,
            "description": "first, last",
        },
        "wrote": {"type": "boolean", "description": "the content of now is yours"},
    },
)
