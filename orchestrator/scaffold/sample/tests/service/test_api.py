import json
import unittest
from pathlib import Path

from shop.data.store import OrderStore
from shop.service.api import handle
from shop.service.orders import PAYMENTS
from shop.service.pricing import PRICES

ORDER = {"customer": "Ada", "payment": "card", "lines": [{"tea": "assam", "grams": 100}]}


class ApiTest(unittest.TestCase):
    def setUp(self):
        self.store = OrderStore()
        self.addCleanup(self.store.database.close)

    def test_an_order_is_placed_and_found_again(self):
        status, placed = handle(self.store, "POST", "/orders", ORDER)
        self.assertEqual((status, placed["number"], placed["total"]), (201, "T-00001", 690))
        self.assertEqual(handle(self.store, "GET", "/orders/1"), (200, placed))

    def test_a_bad_order_is_refused_with_a_reason(self):
        for change in ({"customer": " "}, {"payment": "shells"}, {"lines": []},
                       {"lines": [{"tea": "coffee", "grams": 1}]},
                       {"lines": [{"tea": "assam", "grams": 0}]}):
            status, answer = handle(self.store, "POST", "/orders", {**ORDER, **change})
            self.assertEqual(status, 422, change)
            self.assertTrue(answer["error"])
        self.assertEqual(self.store.count(), 0)

    def test_what_is_not_there_is_not_found(self):
        self.assertEqual(handle(self.store, "GET", "/orders/9")[0], 404)
        self.assertEqual(handle(self.store, "PUT", "/orders")[0], 404)


class DocumentTest(unittest.TestCase):
    """The code, the API document and the contract say the same."""

    def setUp(self):
        self.document = json.loads(Path("api/openapi.json").read_text())["components"]["schemas"]
        path = Path("verification/contracts/order-request.schema.json")
        self.contract = json.loads(path.read_text())

    def test_the_document_has_the_contract_of_a_request(self):
        bare = {k: v for k, v in self.contract.items() if k not in ("$schema", "title")}
        self.assertEqual(self.document["OrderRequest"], bare)

    def test_the_contract_names_every_payment_and_tea(self):
        properties = self.contract["properties"]
        self.assertEqual(tuple(properties["payment"]["enum"]), PAYMENTS)
        self.assertEqual(properties["lines"]["items"]["properties"]["tea"]["enum"], list(PRICES))
