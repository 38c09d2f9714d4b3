"""Orders in SQLite. An order is kept whole or not at all."""

import json
import sqlite3
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id       INTEGER PRIMARY KEY,
    customer TEXT NOT NULL,
    payment  TEXT NOT NULL,
    status   TEXT NOT NULL DEFAULT 'placed',
    total    INTEGER NOT NULL CHECK (total >= 0)
) STRICT;
CREATE TABLE IF NOT EXISTS lines (
    order_id INTEGER NOT NULL REFERENCES orders (id),
    position INTEGER NOT NULL,
    tea      TEXT NOT NULL,
    grams    INTEGER NOT NULL CHECK (grams > 0),
    amount   INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (order_id, position)
) STRICT;
"""


class OrderStore:
    """The orders of one shop. ``path`` is a file, or ``:memory:``."""

    def __init__(self, path: str = ":memory:") -> None:
        self.database = sqlite3.connect(path, check_same_thread=False)
        self.database.executescript(SCHEMA)

    def __enter__(self) -> "OrderStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()

    def keep(self, priced: dict[str, Any]) -> dict[str, Any]:
        """Keep a priced order; it comes back with its ``id`` and ``status``."""
        with self.database:
            row = self.database.execute(
                "INSERT INTO orders (customer, payment, total) VALUES (?, ?, ?) RETURNING id",
                (priced["customer"], priced["payment"], priced["total"]),
            ).fetchone()
            self.database.executemany(
                "INSERT INTO lines VALUES (?, ?, ?, ?, ?)",
                [
                    (row[0], position, line["tea"], line["grams"], line["amount"])
                    for position, line in enumerate(priced["lines"])
                ],
            )
        return self.order(row[0])

    def order(self, number: int) -> dict[str, Any]:
        """The order with this id. Raises ``KeyError``."""
        row = self.database.execute(
            "SELECT id, customer, payment, status, total FROM orders WHERE id = ?", (number,)
        ).fetchone()
        if row is None:
            raise KeyError(number)
        lines = self.database.execute(
            "SELECT tea, grams, amount FROM lines WHERE order_id = ? ORDER BY position", (number,)
        )
        return {
            **dict(zip(("id", "customer", "payment", "status", "total"), row, strict=True)),
            "lines": [dict(zip(("tea", "grams", "amount"), line, strict=True)) for line in lines],
        }

    def count(self) -> int:
        """How many orders are kept."""
        return int(self.database.execute("SELECT count(*) FROM orders").fetchone()[0])

    def dump(self) -> str:
        """Every order as one line of JSON each."""
        numbers = self.database.execute("SELECT id FROM orders ORDER BY id").fetchall()
        return "\n".join(json.dumps(self.order(number)) for (number,) in numbers)
