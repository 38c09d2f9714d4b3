"""Where in the checkout something happened, read from what tools print.

Only files inside the checkout are ever named; everything else is unknown.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["Place", "by_hand", "from_trace", "inside", "module_file", "relative_text"]

#: A repository-relative file and a line counted from 1, each None if unknown.
Place = tuple[str | None, int | None]

#: The end of a trace is what names the place; what is before is only slow to search.
_SEARCHED = 20_000
#: ``File "a.py", line 3`` or ``a.py:3`` (the bound keeps a long word from costing its square).
_FOREIGN = frozenset(("site-packages", "dist-packages", "node_modules", ".venv", "venv", ".tox"))
_FRAME = re.compile(
    r'File "(?P<python>[^"\n]{1,400})", line (?P<at>\d{1,7})'
    r"|(?P<file>[^\s():\"']{1,400}):(?P<line>\d{1,7})\b"
)


def by_hand(command: str) -> str:
    """A command as it can be pasted: its report goes to a file beside."""
    return command.replace("{report}", "report.out")


def inside(checkout: str, name: str, *, exists: bool = True) -> str | None:
    """``name`` (path or file: URI) relative to the checkout, or None if it is not in there."""
    if name.startswith("file:"):
        name = unquote(urlsplit(name).path)
    root = Path(checkout).resolve()
    try:
        path = (root / name).resolve()
        if not path.is_relative_to(root) or path == root or (exists and not path.is_file()):
            return None
    except (OSError, ValueError, RuntimeError):  # a NUL, a name too long, a loop of links
        return None
    return path.relative_to(root).as_posix()


def from_trace(checkout: str, text: str, prefer: str | None = None) -> Place:
    """The last place a trace names in ``prefer`` (the test's own file), else in the checkout.

    Not in code of others that is installed in there: nobody mends it at that place.
    """
    best: Place = (None, None)
    for match in reversed(list(_FRAME.finditer(text[-_SEARCHED:]))):
        file = inside(checkout, match["python"] or match["file"])
        if file is None or _FOREIGN & set(file.split("/")):
            continue
        place = (file, int(match["at"] or match["line"]))
        if prefer in (None, file):
            return place
        best = best if best[0] else place
    return best


def module_file(checkout: str, dotted: str) -> tuple[str, tuple[str, ...]] | None:
    """The Python file of the longest module prefix of ``dotted``, and the names after it."""
    parts = dotted.split(".")
    if not all(parts) or "/" in dotted:
        return None
    for end in range(len(parts), 0, -1):
        file = inside(checkout, "/".join(parts[:end]) + ".py")
        if file is not None:
            return file, tuple(parts[end:])
    return None


def relative_text(checkout: str, text: str) -> str:
    """``text`` without the checkout's own path, which differs from run to run."""
    return text.replace(checkout.rstrip("/") + "/", "")
