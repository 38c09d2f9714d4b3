"""What the client is told when a hook could not do its work: one line, and what mends it."""

from __future__ import annotations

from orchestrator.hooks import driver
from orchestrator.hooks.place import Place
from orchestrator.hooks.request import Answer, Request

__all__ = ["answer"]

_DAMAGED = ("E203", "E208")
_MEND = "orchestrate doctor --fix"


def answer(request: Request, place: Place, error: BaseException) -> Answer:
    """An edit is refused (or let through with a notice); everything else goes on quietly."""
    told = _told(place, error)
    if request.guards:
        if _warns(place):
            return Answer("notice", f"{told} The edit was let through (hooks.on_failure: warn).")
        return Answer("fail", f"{told} The edit was refused: nobody could tell who holds the file.")
    if request.event == "SessionStart":
        return Answer("notice", told)
    if request.event == "WorktreeCreate":
        return Answer("fail", told)
    return Answer("quiet", told)


def _told(place: Place, error: BaseException) -> str:
    from orchestrator.errors import OrchestrateError

    name = type(error).__name__
    if isinstance(error, OrchestrateError):
        hint = f" ({error.hint})" if error.hint else ""
        damaged = getattr(error, "code", "") in _DAMAGED
        return f"orchestrate {error.code}: {error.message}{hint}.{_mending(damaged)}"
    damaged = name in ("DatabaseError", "OperationalError", "NotADirectoryError")
    return f"orchestrate's hook failed ({name}: {error!s:.200}).{_mending(damaged)}"


def _mending(damaged: bool) -> str:
    return f" To mend the store: {_MEND}" + "." if damaged else " See: orchestrate doctor."


def _warns(place: Place) -> bool:
    """``hooks.on_failure``, if the store can still say so."""
    # What failed may have held the gate, which closing the store here would wait for.
    driver.unlock()
    try:
        from pathlib import Path

        from orchestrator.engine.project import setting
        from orchestrator.store.sqlite import SqliteStore

        store = SqliteStore(Path(place.state), wait=0.5)
        return (store.read(lambda reader: setting(reader, "hooks")) or "").endswith(" warn")
    except Exception:
        return False
