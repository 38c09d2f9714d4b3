"""What is played in the demonstration, as data: who does what, and how it must end.

The edits are real patches with the notes their authors hand over, in ``story/``
(``NAME.patch`` and ``NAME.md``). How it is played is ``demo``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

__all__ = ["CHAPTERS", "Attempt", "Chapter", "Ending", "notes", "patch"]


class Ending(StrEnum):
    """How an attempt to hand work off ends; each names what the state must be then."""

    LANDED = "landed"
    SENT_BACK = "sent back"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One edit, committed and marked ready. ``told`` is said before it is made.

    ``finding`` is a word the findings must name when the work is sent back.
    ``answer`` is the reason a human gives when asked, who then approves.
    """

    edit: str
    subject: str
    told: str
    ending: Ending
    finding: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One task of one instance, from its assignment until the work has landed."""

    title: str
    instance: str
    task: str
    attempts: tuple[Attempt, ...]


CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        "Good work lands without anybody being asked",
        "data",
        "Tell which teas sell best",
        (
            Attempt(
                "best-sellers",
                "data: best sellers by weight",
                "A new query and its test; nothing that was there changes.",
                Ending.LANDED,
            ),
        ),
    ),
    Chapter(
        "A broken contract is sent back with what was lost, and lands when it is mended",
        "service",
        "Take vouchers as payment",
        (
            Attempt(
                "vouchers-instead-of-invoices",
                "service: pay by voucher",
                "Vouchers come, invoices go. The service's own tests pass: code, contract and "
                "document agree. But customers who pay by invoice would be refused.",
                Ending.SENT_BACK,
                finding="invoice",
            ),
            Attempt(
                "vouchers-beside-invoices",
                "service: invoices stay, beside vouchers",
                "The contract only gains a value now.",
                Ending.LANDED,
            ),
        ),
    ),
    Chapter(
        "What no rule can decide is asked of a human, with a report",
        "service",
        "Round half a cent as accounting does",
        (
            Attempt(
                "exact-rounding",
                "service: round half a cent to even",
                "Correct, but decimal arithmetic is slower. Is it worth it? No rule can know.",
                Ending.ASKED,
                answer="accounting needs it, and an order has a handful of lines",
            ),
        ),
    ),
)


def patch(edit: str) -> str:
    """The edit as a unified diff for ``git apply``."""
    return (files("orchestrator.scaffold") / "story" / f"{edit}.patch").read_text()


def notes(edit: str) -> str:
    """The notes that are handed over with the edit."""
    return (files("orchestrator.scaffold") / "story" / f"{edit}.md").read_text()
