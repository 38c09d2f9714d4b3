"""What a security scheme of an API no longer is, in words. Who asks for it is not known here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.plugins.spec import Json

__all__ = ["lost"]

#: Keys that change nothing for those who have credentials; flows are looked into.
_IGNORED = ("description", "bearerFormat", "flows")


def lost(old: Mapping[str, Json], new: Mapping[str, Json]) -> list[str]:
    """Everything that means something else, or is gone; empty where the old credentials do."""
    return [*_meant_otherwise(old, new), *_lost_flows(old, new)]


def _meant_otherwise(old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[str]:
    for key in [*old, *(key for key in new if key not in old)]:
        if key not in _IGNORED and not key.startswith("x-") and old.get(key) != new.get(key):
            before, after = (side.get(key, "absent") for side in (old, new))
            yield f"{key} is {after} now; before it was {before}"


def _lost_flows(old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[str]:
    """OAuth flows, and of each the addresses and scopes, that are not there any more."""
    ours = new.get("flows") or {}
    for name, flow in (old.get("flows") or {}).items():
        other = ours.get(name)
        if not isinstance(other, dict) or not isinstance(flow, dict):
            yield f"the flow {name} is gone"
            continue
        for key in ("authorizationUrl", "tokenUrl"):
            if flow.get(key) != other.get(key):
                yield f"the {key} of {name} is another one"
        gone = [
            scope for scope in flow.get("scopes") or () if scope not in (other.get("scopes") or ())
        ]
        if gone:
            yield f"the scopes {', '.join(map(str, gone))} of {name} are gone"
