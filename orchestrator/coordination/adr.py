"""A decision as a page of Markdown, in the form of an architecture decision record. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["MARK", "page"]

Json = Mapping[str, Any]

#: First line of every page, by which a page of ours is known again.
MARK = "<!-- Made by: orchestrate decision export. Changes here are lost. -->"


def page(decision: Json) -> str:
    """The page; ``decision`` as ``decisions.to_json`` gives it."""
    blocks = [MARK, f"# {decision['id']}: {' '.join(decision['title'].split())}"]
    blocks += ["\n".join(_facts(decision)), f"## Context\n\n{decision['description']}"]
    if decision["options"]:
        blocks.append("## Options\n\n" + "\n\n".join(map(_option, decision["options"])))
    blocks.append(f"## Decision\n\n{decision['decision'] or _undecided(decision)}")
    if decision["rationale"]:
        blocks.append(f"## Rationale\n\n{decision['rationale']}")
    if decision["opinions"]:
        blocks.append("## Input\n\n" + "\n\n".join(map(_said, decision["opinions"])))
    return "\n\n".join(blocks) + "\n"


def _facts(decision: Json) -> Iterator[str]:
    rows: dict[str, Any] = {
        "Status": decision["status"] + (", archived" if decision["archived"] else ""),
        "Superseded by": decision["superseded_by"] and _link(decision["superseded_by"]),
        "Date": _date(decision["decided_at"] or decision["created_at"]),
        "Category": decision["category"],
        "Scope": decision["scope"],
        "Proposed by": decision["proposed_by"],
        "Decided by": ", ".join(decision["decided_by"]),
        "Affects": ", ".join(decision["affects"]),
        "Depends on": ", ".join(map(_link, decision["dependencies"])),
        "Tasks": ", ".join(decision["related_tasks"]),
        "Files": ", ".join(f"`{name}`" for name in decision["files"]),
    }
    return (f"- {name}: {value}" for name, value in rows.items() if value)


def _link(name: str) -> str:
    return f"[{name}]({name}.md)" if name.startswith("DEC-") else name


def _option(option: Json) -> str:
    lines = [f"### {option.get('option')}"]
    lines += [f"- for: {reason}" for reason in option.get("pros", ())]
    lines += [f"- against: {reason}" for reason in option.get("cons", ())]
    return "\n\n".join([lines[0], "\n".join(lines[1:])]).rstrip()


def _undecided(decision: Json) -> str:
    if decision["status"] in ("proposed", "objected"):
        until, default = decision["deadline_at"], decision["fallback"]
        holds = f"; after that {default} holds" if default else ""
        return (
            f"Not decided yet; to be decided by {_date(until)}{holds}."
            if until
            else ("Not decided yet.")
        )
    return str(decision["title"])


def _said(opinion: Json) -> str:
    verb = "objects" if opinion["kind"] == "objection" else "says"
    return f"**{opinion['instance']}** {verb} ({_date(opinion['at'])}): {opinion['body']}"


def _date(ms: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(ms / 1000))
