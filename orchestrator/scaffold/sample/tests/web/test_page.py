import unittest

from shop.web.page import money, page, read

RECEIPT = {
    "number": "T-00001",
    "customer": "Ada <script>",
    "status": "placed",
    "lines": [{"tea": "assam", "grams": 100, "amount": 690}],
    "total": 690,
    "currency": "EUR",
}


class PageTest(unittest.TestCase):
    def test_the_page_shows_the_order(self):
        text, problems = read(page(RECEIPT))
        self.assertEqual(problems, [])
        for shown in ("Order T-00001", "assam", "100", "6.90 EUR"):
            self.assertIn(shown, text)

    def test_what_a_customer_wrote_is_never_markup(self):
        self.assertNotIn("<script>", page(RECEIPT))
        self.assertIn("For Ada <script>, placed.", read(page(RECEIPT))[0])

    def test_money_has_two_digits_after_the_point(self):
        self.assertEqual(money(1205, "EUR"), "12.05 EUR")

    def test_a_broken_page_is_noticed(self):
        _, problems = read("<html><h1>Order</p></html>")
        self.assertIn("the page names no language", problems)
        self.assertIn("</p> closes nothing", problems)
        self.assertIn("there is no <title>", problems)
