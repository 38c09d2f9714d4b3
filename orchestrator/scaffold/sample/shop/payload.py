"""One JSON object in on stdin, one out on stdout: what every step of a flow does."""

import json
import sys
from collections.abc import Callable
from typing import Any


def answer(step: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Run ``step`` on the payload that was given."""
    json.dump(step(json.load(sys.stdin)), sys.stdout)
