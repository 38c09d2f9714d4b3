"""JSON values and their canonical text. Imports no library: hooks read the configuration too."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Json", "dumps"]

#: A JSON value. ``Any`` because mypy's recursive alias makes every use a cast.
Json = Any


def dumps(value: Json) -> str:
    """Canonical JSON: sorted keys, no spaces. For keys and digests."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
