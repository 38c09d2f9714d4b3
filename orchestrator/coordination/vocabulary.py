"""The fixed words of decisions, and what a word that is none of them is answered."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final

from orchestrator.errors import OrchestrateError

__all__ = ["CATEGORIES", "OPEN", "SCOPES", "STATUSES", "UnknownWord", "word"]

#: What a decision is about.
CATEGORIES: Final = (
    "architecture", "api-design", "database-schema", "security", "performance", "testing",
    "workflow", "ui-pattern", "integration",
)  # fmt: skip

#: How far a decision reaches, narrowest first.
SCOPES: Final = ("local", "module", "service", "system", "global")

#: Where a decision stands → what that means.
STATUSES: Final[Mapping[str, str]] = {
    "proposed": "options are on the table; nobody has decided",
    "accepted": "decided; everybody it affects goes by it",
    "implemented": "the code does what was decided",
    "objected": "somebody disagrees; a human decides",
    "deprecated": "no longer to be followed; nothing took its place",
    "superseded": "another decision took its place",
}

#: Those that still want something from somebody.
OPEN: Final = ("proposed", "objected")


class UnknownWord(OrchestrateError):
    """This is none of the words a decision may have there.

    Categories, scopes and statuses are fixed, so that everybody's queries find
    everybody's decisions. The hint lists them, the nearest first.
    """

    code = "E382"


def word(kind: str, given: str) -> str:
    """``given`` if it is a known ``category``, ``scope`` or ``status``; else ``UnknownWord``."""
    words = {"category": CATEGORIES, "scope": SCOPES, "status": tuple(STATUSES)}[kind]
    if given in words:
        return given
    near = difflib.get_close_matches(given.casefold(), words, n=1)
    mean = f'did you mean "{near[0]}"? ' if near else ""
    raise UnknownWord(f"{given!r} is no {kind}", hint=f"{mean}one of: {', '.join(words)}")
