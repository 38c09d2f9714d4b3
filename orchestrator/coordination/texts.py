"""What people write into tasks and messages: bounded, valid text, kept as it is.

Control characters are data: they are stored as written and made visible only
where they are shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.errors import OrchestrateError, UsageError

__all__ = ["BODY_BYTES", "LINE_CHARACTERS", "BadText", "body", "line", "one_of"]

#: The longest body or description, in bytes of UTF-8.
BODY_BYTES = 64 * 1024
#: The longest title or subject, in characters.
LINE_CHARACTERS = 200


class BadText(OrchestrateError):
    """This text cannot be kept: it is empty, too long or not text.

    A title or subject is one line of at most 200 characters; a body or
    description has at most 64 KiB. Put what is longer into a file of the
    repository and name the file.
    """

    code = "E377"


def line(text: str, what: str) -> str:
    """``text`` without blanks around it. Raises ``BadText``; ``what`` names it there."""
    stripped = text.strip()
    if not stripped:
        raise BadText(f"the {what} is empty")
    if len(stripped) > LINE_CHARACTERS:
        raise BadText(
            f"the {what} has {len(stripped)} characters, more than {LINE_CHARACTERS}",
            hint="say the rest in the body",
        )
    if "\n" in stripped or "\r" in stripped:
        raise BadText(f"the {what} is more than one line")
    _encoded(stripped, what)
    return stripped


def body(text: str, what: str = "body") -> str:
    """``text`` as it is, checked for its size. Raises ``BadText``."""
    size = len(_encoded(text, what))
    if size > BODY_BYTES:
        raise BadText(
            f"the {what} has {size} bytes, more than {BODY_BYTES}",
            hint="write a file into the repository and name it with --file",
        )
    return text


def _encoded(text: str, what: str) -> bytes:
    if "\0" in text:
        raise BadText(f"the {what} contains a NUL character")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise BadText(f"the {what} is not text (character {error.start})") from error


def one_of(value: str, choices: Sequence[str], what: str) -> str:
    """``value``, which is one of ``choices``. Raises ``UsageError`` naming them."""
    if value not in choices:
        raise UsageError(f"{what} {value!r} is none of {', '.join(choices)}")
    return value
