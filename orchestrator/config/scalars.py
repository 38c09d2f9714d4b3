"""What YAML 1.1 makes of a plain word: numbers, true and false, and some surprises. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from orchestrator.plugins.spec import Json

__all__ = ["CONSTRUCT", "TAG", "Surprise", "kind"]

#: How the tags of YAML's own types begin.
TAG = "tag:yaml.org,2002:"


class Surprise(ValueError):
    """What YAML 1.1 makes of a plain scalar that looks like text."""


def _integer(text: str) -> int:
    digits = text.replace("_", "").lstrip("+")
    if ":" in digits:
        raise Surprise(f"a number to the base of 60, {_sexagesimal(digits)}")
    bare = digits.lstrip("-")
    if len(bare) > 1 and bare[0] == "0" and bare[1] not in "xXbB":
        raise Surprise(f"a number to the base of 8, {int(bare, 8)}")
    if len(bare) > 18:
        raise Surprise("a number of more than 18 digits")
    return int(digits, 0)


def _sexagesimal(text: str) -> int:
    total = 0
    for part in text.lstrip("-").split(":"):
        total = total * 60 + int(part)
    return total


def _float(text: str) -> float:
    if ":" in text:
        raise Surprise("a number to the base of 60")
    value = text.replace("_", "").lower()
    number = math.inf if value.lstrip("+-") in (".inf", ".nan") else float(value)
    if not math.isfinite(number):
        raise Surprise("a number that is not finite")
    return number


def _date(text: str) -> str:
    raise Surprise("a date")


def _bool(text: str) -> bool:
    return text.lower() in ("yes", "true", "on")


def kind(tag: str, text: str) -> str:
    """What YAML takes a key for that is no text."""
    if tag == f"{TAG}bool":
        return "true" if _bool(text) else "false"
    return _KINDS.get(tag, f"a value with the tag {tag}")


_KINDS = {
    f"{TAG}null": "nothing (null)",
    f"{TAG}int": "a number",
    f"{TAG}float": "a number",
    f"{TAG}timestamp": "a date",
}

#: Tag → what makes the value. Raises ``Surprise`` for what is not what it looks like, and
#: ValueError for what a tag written out cannot be.
CONSTRUCT: Mapping[str, Callable[[str], Json]] = {
    f"{TAG}str": str,
    f"{TAG}null": lambda text: None,
    f"{TAG}bool": _bool,
    f"{TAG}int": _integer,
    f"{TAG}float": _float,
    f"{TAG}timestamp": _date,
    f"{TAG}merge": str,
    f"{TAG}value": str,
}
