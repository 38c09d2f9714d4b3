"""A step of the order flow: the customer's words in, a priced order out."""

from shop.payload import answer
from shop.service.orders import enter

if __name__ == "__main__":
    answer(enter)
