"""One HTTP request, bounded in time and size; redirects are answers, not followed.

The library is an extra: without it nothing can be said, and the line that
installs it is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.config.addresses import loopback_host
from orchestrator.errors import OrchestrateError

__all__ = ["Answer", "HttpMissing", "NoAnswer", "Question", "Refused", "ask"]

#: The largest answer that is read, in bytes.
LIMIT = 16 << 20


class NoAnswer(Exception):
    """No usable answer came, which says nothing about the work. ``rule`` says of what kind."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class Refused(OrchestrateError):
    """The request of a flow is not made.

    Happens when its address, with everything filled in, is no http address, or
    leads away from this machine: a check that asks strangers says something
    about them, and something else tomorrow. Start what is asked as a service
    and write ``{NAME.url}``; or say ``external: true``.
    """

    code = "E462"


class HttpMissing(Refused):
    """What makes HTTP requests is not installed.

    Happens when a flow has a request, or a service is asked by HTTP whether it
    is ready. Install it: ``pip install 'handoff-orchestrator[http]'``.
    """

    code = "E461"


@dataclass(frozen=True, slots=True)
class Question:
    """A request. ``external`` allows addresses of other machines, and proxies."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    external: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``media`` is the media type without parameters, in lower case."""

    status: int
    body: bytes
    media: str
    location: str
    seconds: float


def ask(question: Question, limit: float) -> Answer:
    """Ask, for at most ``limit`` seconds. Raises ``NoAnswer`` or ``Refused``."""
    try:
        import httpx
    except ImportError as error:
        raise HttpMissing(
            "httpx is missing. Install it: pip install 'handoff-orchestrator[http]'"
        ) from error
    _checked(question, httpx)
    start = time.monotonic()
    try:
        with (
            httpx.Client(trust_env=question.external, timeout=limit) as session,
            session.stream(
                question.method, question.url, headers=question.headers, content=question.body
            ) as response,
        ):
            body = _body(response.iter_bytes(), start + limit, limit)
            kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
            seconds = time.monotonic() - start
            location = response.headers.get("location", "")
            return Answer(response.status_code, body, kind, location, seconds)
    except httpx.TimeoutException as error:
        raise _late(limit) from error
    except httpx.DecodingError as error:
        raise NoAnswer("flow.no-answer", f"its answer cannot be decoded: {error}") from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
        raise NoAnswer("flow.no-answer", f"got no answer: {_said(error)}") from error


def _checked(question: Question, httpx: object) -> None:
    """Judge the address as the library itself reads it: two readers may differ."""
    try:
        url = httpx.URL(question.url)  # type: ignore[attr-defined]  # the module, imported late
    except (ValueError, httpx.InvalidURL) as error:  # type: ignore[attr-defined]  # as above
        raise Refused(f"{question.url} is no address: {error}") from error
    if url.scheme not in ("http", "https"):
        raise Refused(f"{question.url} is no http address")
    if not question.external and not loopback_host(url.host):
        raise Refused(f"{url.host} is not this machine; ask a service, or say external: true")


def _body(chunks: object, deadline: float, limit: float) -> bytes:
    body = bytearray()
    for chunk in chunks:  # type: ignore[attr-defined]  # bytes, as they come
        body += chunk
        if len(body) > LIMIT:
            raise NoAnswer("flow.too-much", f"its answer is larger than {LIMIT >> 20} MiB")
        if time.monotonic() > deadline:
            raise _late(limit)
    return bytes(body)


def _late(limit: float) -> NoAnswer:
    return NoAnswer("flow.timeout", f"did not answer within {limit:.3g} s")


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
