"""What reports are printed on: plain lines, or a terminal with colours.

Where nobody sees a colour the library that makes them is not even imported: it
takes longer than all there is to print.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Line", "Paper", "Plain", "Styled", "plain"]

#: The parts of a line, each with its style (empty: none).
Line = tuple[tuple[str, str], ...]
_TAB = 8


class Paper(Protocol):
    """Takes lines whose control characters are written out already; none is wrapped."""

    @property
    def bar(self) -> Console | None:
        """Where a bar can move, or None: then there are only lines."""

    def write(self, lines: Iterable[Line]) -> None:
        """Print the lines, now."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A stream that shows no colours."""

    stream: TextIO

    @property
    def bar(self) -> None:
        return None

    def write(self, lines: Iterable[Line]) -> None:
        self.stream.write("".join(f"{plain(line)}\n" for line in lines))
        self.stream.flush()


@dataclass(frozen=True, slots=True)
class Styled:
    """A rich console; it decides itself what its terminal can show."""

    console: Console

    @property
    def bar(self) -> Console | None:
        return self.console if self.console.is_terminal else None

    def write(self, lines: Iterable[Line]) -> None:
        from rich.text import Text

        texts = [Text.assemble(*line) for line in lines]
        self.console.print(Text("\n").join(texts), soft_wrap=True)


def plain(line: Line) -> str:
    """A line without its styles."""
    return "".join(text for text, _ in line).expandtabs(_TAB)
