"""Our hooks in the text of a client's settings file: put in, brought up to date, taken out.

Pure: text in, text out. Knows the two shapes that clients use (a list of groups
per event, or a list of handlers), and the list of MCP servers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from orchestrator.coordination.json_places import parse
from orchestrator.hooks.registration import Hook, is_ours
from orchestrator.scaffold.json_merge import Doomed, Path, Want, cut, merge

__all__ = ["SERVER", "Write", "enter", "enter_server", "hooks_in", "leave", "leave_server"]

#: How a hook is written as a handler of one client.
Write = Callable[[Hook], dict[str, Any]]

#: The name of the MCP server in every client.
SERVER = "orchestrate"


def enter(
    text: str,
    hooks: Sequence[Hook],
    write: Write,
    where: str,
    *,
    grouped: bool,
    version: bool = False,
) -> str:
    """``text`` with exactly these hooks of ours; older editions are rewritten in their place.

    ``grouped``: the client has groups of handlers with a matcher; ``version``:
    it wants ``"version": 1``. Raises ``UnreadableSettings``.
    """
    wants = [_want(hook, write(hook), grouped) for hook in hooks]
    text = cut(text, _stale(wants), where) or ""
    if version:
        wants.append(Want((), 1, lambda value: False, key="version"))
    return merge(text, wants, where)


def leave(text: str, where: str) -> str | None:
    """``text`` without any hook of ours; None when the file was made for them."""
    left = cut(text, _is_hook, where)
    # The version stands behind the hooks where the file was made for them.
    made = _names(text) == ["hooks", "version"] and _names(left or "") == ["version"]
    return None if made else left


def _names(text: str) -> list[str]:
    root = parse(text).root
    return list(root.members) if root else []


def enter_server(text: str, command: dict[str, Any], where: str) -> str:
    """``text`` with the MCP server; another server of that name stays as it is."""
    return merge(text, [Want(("mcpServers",), command, _is_server, key=SERVER)], where)


def leave_server(text: str, where: str) -> str | None:
    """``text`` without the MCP server; None when the file was made for it."""
    return cut(text, lambda p, v: p == ("mcpServers", SERVER) and _is_server(v), where)


def hooks_in(text: str) -> list[dict[str, Any]]:
    """The handlers of ours in a settings file; none where it is no JSON."""
    root = parse(text).root
    hooks = root.value.get("hooks") if root and isinstance(root.value, dict) else None
    groups = [g for event in _values(hooks) for g in _list(event)]
    found = [h for g in groups if isinstance(g, dict) for h in (g, *_list(g.get("hooks")))]
    return [handler for handler in found if is_ours(handler)]


def _values(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else ()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _want(hook: Hook, handler: dict[str, Any], grouped: bool) -> Want:
    if not grouped:
        return Want(("hooks", hook.event), handler, _known(hook, grouped=grouped))
    group = {"matcher": hook.matcher} if hook.matcher else {}
    return Want(("hooks", hook.event), {**group, "hooks": [handler]}, _known(hook, grouped=grouped))


def _known(hook: Hook, *, grouped: bool) -> Callable[[Any], bool]:
    """Recognises the same hook in an older edition, in a group of its own."""

    def known(value: Any) -> bool:
        handlers = list(_handlers(value))
        return (
            len(handlers) == 1
            and is_ours(handlers[0])
            and value.get("matcher") == hook.matcher
            and _shape(value) == grouped
            and hook.script in str(handlers[0])
        )

    return known


def _shape(value: Any) -> bool:
    """True for a group of handlers, false for a handler."""
    return isinstance(value, dict) and isinstance(value.get("hooks"), list)


def _handlers(value: Any) -> Iterator[Any]:
    """The handlers of a group, or the one that stands in its place."""
    if isinstance(value, dict):
        yield from value["hooks"] if _shape(value) else [value]


def _is_hook(path: Path, value: Any) -> bool:
    """A handler of ours, or a group of nothing else."""
    if len(path) not in (3, 5) or path[0] != "hooks":
        return False
    handlers = list(_handlers(value))
    return bool(handlers) and all(is_ours(handler) for handler in handlers)


def _stale(wants: Sequence[Want]) -> Doomed:
    """Ours, but not a hook that is wanted there (any more)."""

    def stale(path: Path, value: Any) -> bool | None:
        here = [want for want in wants if want.path == path[:2] and len(path) == 3]
        if any(want.known(value) for want in here):
            return None
        return _is_hook(path, value)

    return stale


def _is_server(value: Any) -> bool:
    """An MCP server of ours, however old."""
    if not isinstance(value, dict):
        return False
    words = [value.get("command"), *_list(value.get("args"))]
    return "mcp" in words and any("orchestrat" in str(word) for word in words)
