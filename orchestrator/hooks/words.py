"""Sentences for a model: few words, as facts, with what can be done."""

from orchestrator.hooks.request import Answer

__all__ = ["borrowed", "changed", "foreign", "held", "minutes", "queued"]


def minutes(ms: int) -> str:
    """How long, in words."""
    seconds = max(1, ms // 1000)
    return f"{seconds} s" if seconds < 90 else f"{(seconds + 30) // 60} min"


def held(path: str, holder: str, task: str | None, handoff: str | None, left: int | None) -> Answer:
    """Somebody else has the file. ``left``: ms until the lease ends, None for a handoff's."""
    work = f', working on "{task}"' if task else ""
    if handoff:
        until = f"until its handoff {handoff} lands"
    else:
        until = "until it releases it" if left is None else f"for {minutes(left)} unless renewed"
    return Answer(
        "deny",
        f"{path} is held by {holder}{work}, {until}. The file was not changed. "
        f"Do other work first, or `orchestrate lease acquire --wait 5m {path}`, "
        f"or ask: `orchestrate message send {holder} --subject ...`.",
    )


def queued(path: str, holder: str) -> Answer:
    """It is free, but somebody waits for it."""
    return Answer(
        "deny",
        f"{holder} waits in the queue for {path} and comes first. The file was not changed. "
        f"Do other work first, or `orchestrate lease acquire --wait 5m {path}`.",
    )


def foreign(why: str, path: str, *, asked: bool) -> Answer:
    """Somebody else's file, and the policy does not let it be changed, or not yet."""
    wait = f" To wait for the answer: `orchestrate lease acquire --wait 10m {path}`."
    return Answer("deny", f"{why}. The file was not changed.{wait if asked else ''}")


def borrowed(path: str, owner: str) -> Answer:
    """Somebody else's file, which may be changed all the same."""
    return Answer("context", f"{path} belongs to {owner}; the handoff will count this change.")


def changed(path: str, author: str | None, gone: bool) -> Answer:
    """It is not what this session last saw."""
    who = f"probably by {author}" if author else "by somebody else"
    what = "was removed" if gone else "was changed"
    return Answer(
        "deny",
        f"{path} {what} {who} since you last read it; your edit would undo that. Nothing was "
        "written. Read it again; the same edit is let through after that.",
    )
