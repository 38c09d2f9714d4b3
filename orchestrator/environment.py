"""What a command inherits from its caller, and what it must not.

Clients of AI instances, git and this program all steer themselves by
variables; a check, a test or the demonstration that inherited them would
depend on who started it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

__all__ = ["ALLOWED", "CLIENT_PREFIXES", "SOCKET", "allowed", "in_client", "sealed"]

#: Passed on to the commands of checks; everything else is dropped.
ALLOWED = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
    "TERM", "CI", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
)  # fmt: skip

#: Variables by which a client marks the processes it starts.
CLIENT_PREFIXES = ("CLAUDE", "ANTHROPIC_", "AI_AGENT", "CODEX_", "GEMINI_", "CURSOR_", "COPILOT_")

#: In which a client says where its socket is: a line of JSON to it is a message.
SOCKET = "CLAUDE_CODE_MESSAGING_SOCKET"

#: Variables that would point git or Python at somebody else's files.
_FOREIGN = ("GIT_", "ORCHESTRATE_", "PYTHON", "VIRTUAL_ENV", "PYTEST_", "COV_CORE_")


def in_client(environment: Mapping[str, str] | None = None) -> bool:
    """True when a client of an AI instance started this process."""
    names = os.environ if environment is None else environment
    return any(name.startswith(("CLAUDE", "AI_AGENT", "CODEX_")) for name in names)


def allowed(extra: Iterable[str] = ()) -> dict[str, str]:
    """The caller's environment reduced to ``ALLOWED`` and the names in ``extra``."""
    names = {*ALLOWED, *extra}
    return {name: value for name, value in os.environ.items() if name in names}


def sealed(home: str) -> dict[str, str]:
    """An environment with ``home`` as home and nothing of the caller's that steers tools."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith((*CLIENT_PREFIXES, *_FOREIGN, "XDG_"))
    }
    return {
        **kept,
        "HOME": home,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
    }
