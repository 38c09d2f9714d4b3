"""A receipt as an HTML page, and what a page must satisfy."""

from html import escape
from html.parser import HTMLParser
from typing import Any

_VOID = {"meta", "link", "br", "img", "input", "hr"}

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Order {number}</title></head>
<body>
<h1>Order {number}</h1>
<p>For {customer}, {status}.</p>
<table>
<thead><tr><th scope="col">Tea</th><th scope="col">Grams</th><th scope="col">Amount</th></tr></thead>
<tbody>
{rows}
</tbody>
<tfoot><tr><th scope="row" colspan="2">Total</th><td>{total}</td></tr></tfoot>
</table>
</body>
</html>
"""


def money(cents: int, currency: str) -> str:
    """``1250, "EUR"`` as ``12.50 EUR``."""
    return f"{cents // 100}.{cents % 100:02d} {currency}"


def page(receipt: dict[str, Any]) -> str:
    """The page for a receipt. Everything a customer wrote is escaped."""
    currency = receipt["currency"]
    rows = "\n".join(
        f"<tr><td>{escape(line['tea'])}</td><td>{line['grams']}</td>"
        f"<td>{money(line['amount'], currency)}</td></tr>"
        for line in receipt["lines"]
    )
    return _PAGE.format(
        number=escape(receipt["number"]),
        customer=escape(receipt["customer"]),
        status=escape(receipt["status"]),
        rows=rows,
        total=money(receipt["total"], currency),
    )


class _Reader(HTMLParser):
    """Collects a page's text and what is wrong with its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.problems: list[str] = []
        self.text: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag == "html" and not dict(attrs).get("lang"):
            self.problems.append("the page names no language")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.text.append(data.strip())


def read(html: str) -> tuple[list[str], list[str]]:
    """A page's pieces of text and its problems; a good page has none."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    problems = reader.problems + [f"<{tag}> is never closed" for tag in reader.open]
    problems += [f"there is no <{tag}>" for tag in ("title", "h1") if tag not in reader.seen]
    return reader.text, problems
