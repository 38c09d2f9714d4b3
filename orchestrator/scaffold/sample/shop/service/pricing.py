"""What tea costs. Whole cents; every line is rounded once, half up."""

from typing import Any

#: Cents for 100 grams.
PRICES = {"assam": 690, "darjeeling": 1250, "earl grey": 840, "sencha": 980, "rooibos": 520}

#: From this many grams on, so many percent less.
DISCOUNTS = ((1000, 15), (500, 10), (250, 5))


def discount(grams: int) -> int:
    """Percent off for this weight."""
    return next((percent for weight, percent in DISCOUNTS if grams >= weight), 0)


def amount(tea: str, grams: int) -> int:
    """Cents for ``grams`` of ``tea``. Raises ``KeyError`` for a tea we do not sell."""
    return (PRICES[tea] * grams * (100 - discount(grams)) + 5_000) // 10_000


def price(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each line with its ``amount``."""
    return [{**line, "amount": amount(line["tea"], line["grams"])} for line in lines]
