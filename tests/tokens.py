"""How many tokens a text costs a model, counted rather too many than too few."""

from __future__ import annotations

__all__ = ["tokens"]

#: English with JSON around it has about four characters a token in the usual vocabularies.
_CHARACTERS = 3.5


def tokens(text: str) -> float:
    return len(text) / _CHARACTERS
