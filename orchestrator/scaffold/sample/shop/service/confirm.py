"""A step of the order flow: a kept order in, its receipt out."""

from shop.payload import answer
from shop.service.orders import receipt

if __name__ == "__main__":
    answer(receipt)
