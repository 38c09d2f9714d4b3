import unittest

from shop.service.pricing import amount, discount, price


class PricingTest(unittest.TestCase):
    def test_a_hundred_grams_cost_the_list_price(self):
        self.assertEqual(amount("assam", 100), 690)

    def test_more_weight_costs_less_per_gram(self):
        self.assertEqual([discount(g) for g in (249, 250, 500, 1000)], [0, 5, 10, 15])
        self.assertEqual(amount("assam", 1000), 5865)

    def test_half_a_cent_is_rounded_up(self):
        self.assertEqual(amount("darjeeling", 1), 13)

    def test_every_line_gets_its_amount(self):
        lines = [{"tea": "sencha", "grams": 250}, {"tea": "rooibos", "grams": 50}]
        self.assertEqual([line["amount"] for line in price(lines)], [2328, 260])

    def test_a_tea_we_do_not_sell_has_no_price(self):
        with self.assertRaises(KeyError):
            amount("coffee", 100)
