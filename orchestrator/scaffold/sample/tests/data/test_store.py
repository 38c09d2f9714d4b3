import json
import sqlite3
import unittest

from shop.data.store import OrderStore

PRICED = {
    "customer": "Ada",
    "payment": "card",
    "lines": [{"tea": "assam", "grams": 100, "amount": 690}],
    "total": 690,
}


class StoreTest(unittest.TestCase):
    def setUp(self):
        self.store = OrderStore()
        self.addCleanup(self.store.database.close)

    def test_a_kept_order_comes_back_whole(self):
        kept = self.store.keep(PRICED)
        self.assertEqual(kept, {**PRICED, "id": 1, "status": "placed"})
        self.assertEqual(self.store.order(1), kept)

    def test_an_order_with_a_bad_line_is_not_kept_at_all(self):
        bad = {**PRICED, "lines": [{"tea": "assam", "grams": 0, "amount": 1}]}
        with self.assertRaises(sqlite3.IntegrityError):
            self.store.keep(bad)
        self.assertEqual(self.store.count(), 0)

    def test_lines_keep_their_order(self):
        lines = [{"tea": tea, "grams": 50, "amount": 1} for tea in ("c", "a", "b")]
        kept = self.store.keep({**PRICED, "lines": lines})
        self.assertEqual([line["tea"] for line in kept["lines"]], ["c", "a", "b"])

    def test_there_is_no_order_that_was_not_kept(self):
        with self.assertRaises(KeyError):
            self.store.order(7)

    def test_the_dump_has_one_line_for_each_order(self):
        self.store.keep(PRICED)
        self.store.keep(PRICED)
        orders = [json.loads(line) for line in self.store.dump().splitlines()]
        self.assertEqual([order["id"] for order in orders], [1, 2])
