"""The whole shop over real HTTP."""

import json
import threading
import unittest
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from shop.data.store import OrderStore
from shop.web.page import read
from shop.web.server import serve


class ShopTest(unittest.TestCase):
    def setUp(self):
        store = OrderStore()
        server = serve(store)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(store.database.close)
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self.open = build_opener(ProxyHandler({})).open

    def post(self, body):
        return self.open(Request(f"{self.url}/orders", json.dumps(body).encode(), method="POST"))

    def test_an_order_entered_as_json_is_shown_as_a_page(self):
        order = {"customer": "Grace", "payment": "cash", "lines": [{"tea": "sencha", "grams": 250}]}
        with self.post(order) as answer:
            placed = json.load(answer)
        with self.open(f"{self.url}/orders/1.html") as answer:
            text, problems = read(answer.read().decode())
        self.assertEqual(problems, [])
        self.assertIn(f"Order {placed['number']}", text)
        self.assertIn("23.28 EUR", text)

    def test_a_refused_order_says_why(self):
        with self.assertRaises(HTTPError) as refused:
            self.post({"customer": "Grace", "payment": "cash", "lines": []})
        with refused.exception as answer:
            self.assertEqual(answer.status, 422)
            self.assertIn("at least one line", json.load(answer)["error"])
