"""What the adapters of the other clients share: fields by place, answers as JSON, several files.

Thin like the adapters themselves. The database reads and writes JSON here, because
importing ``json`` costs as much as the interpreter itself.
"""

from orchestrator.hooks import driver
from orchestrator.hooks.request import Answer, Request

__all__ = [
    "LONGEST", "answered", "copied", "fields", "known", "named", "said", "then_news", "wants",
]  # fmt: skip

#: Clients cut off what is longer than 10,000 characters.
LONGEST = 9_000


def fields(raw: bytes, places: "tuple[tuple[str, ...], ...]") -> "list[str | None]":
    """For each entry the first of its places in the payload that has something; text only.

    Raises an error of the driver where ``raw`` is no JSON.
    """
    found = [
        "coalesce(" + ", ".join(f"json_extract(:p, '$.{place}')" for place in names) + ", NULL)"
        for names in places
    ]
    query = "SELECT " + ", ".join(found)
    row = driver.connect(":memory:").execute(query, {"p": raw.decode("utf-8", "replace")})
    return [_text(value) for value in row.fetchone()]


def _text(value: object) -> "str | None":
    if isinstance(value, (int, float)):
        return str(value)
    return value if isinstance(value, str) else None


def said(**members: "str | bool | dict[str, str]") -> str:
    """One line of JSON; a member that is a dict becomes an object."""
    names, values = [], {}
    for name, value in members.items():
        if isinstance(value, dict):
            inner = ", ".join(f"'{key}', :{name}_{key}" for key in value)
            names.append(f"'{name}', json_object({inner})")
            values.update({f"{name}_{key}": text[:LONGEST] for key, text in value.items()})
        elif isinstance(value, bool):
            names.append(f"'{name}', json('{'true' if value else 'false'}')")
        else:
            names.append(f"'{name}', :{name}")
            values[name] = value[:LONGEST]
    row = driver.connect(":memory:").execute(f"SELECT json_object({', '.join(names)})", values)
    return f"{row.fetchone()[0]}\n"


def copied(request: Request, **changed: "str | None") -> Request:
    """The same request but for some attributes."""
    other = Request(request.client)
    for name in Request.__slots__:
        setattr(other, name, getattr(request, name))
    for name, value in changed.items():
        setattr(other, name, value)
    return other


def named(session: "str | None", given: "str | None") -> "str | None":
    """A call's name where the client gives none: the same before and after the same call."""
    if not session or not given:
        return None
    return f"c-{driver.hexdigest(f'{session} {given}'.encode())[:20]}"


def wants(request: Request, paths: "list[str]") -> "list[Request]":
    """One request for each file that a call writes, each with a call id of its own."""
    call = request.call or ""
    return [
        copied(
            request,
            path=_whole(request, path),
            command=None,
            call=f"{call}#{number}" if call else None,
        )
        for number, path in enumerate(paths)
    ]


def _whole(request: Request, path: str) -> str:
    """A path of a patch is relative to where the client works."""
    return path if path.startswith("/") or not request.cwd else f"{request.cwd}/{path}"


def then_news(request: Request, requests: "list[Request]") -> "list[Request]":
    """After a tool these clients have no event for the whole batch: news are told here."""
    if request.event not in ("PostToolUse", "PostToolUseFailure"):
        return requests
    return [*requests, copied(request, event="PostToolBatch", tool=None, path=None, command=None)]


def known(request: Request, text: str) -> str:
    """What a session is told at its start, with how a typed command knows whose it is."""
    if request.event != "SessionStart" or not request.session:
        return text
    return f"{text}\nCommands typed here know this session by ORCHESTRATE_SESSION={request.session}"


def answered(
    request: Request, answer: Answer, heard: "dict[str, str]", refusal: str
) -> "tuple[str, str, int]":
    """What clients like Claude Code are told on stdout and stderr, and the exit status.

    ``heard`` has their names of the events whose answer the model reads, ``refusal`` their
    word for not letting it stop yet.
    """
    kind, text = answer.kind, answer.text[:LONGEST]
    if kind in ("deny", "ask", "fail"):
        return "", f"{text}\n", 2
    if kind == "block":
        return said(decision=refusal, reason=text), "", 0
    if kind == "context" and request.event in heard:
        told = known(request, text)
        output = {"hookEventName": heard[request.event], "additionalContext": told}
        return said(hookSpecificOutput=output), "", 0
    if kind in ("context", "notice") and text:
        return said(systemMessage=text), "", 0
    return "", "", 0
