"""A step of the order flow: a receipt in, what its page shows out."""

from typing import Any

from shop.payload import answer
from shop.web.page import page, read


def show(receipt: dict[str, Any]) -> dict[str, Any]:
    """The page, its text, and what is wrong with it."""
    html = page(receipt)
    text, problems = read(html)
    return {"html": html, "text": text, "problems": problems}


if __name__ == "__main__":
    answer(show)
