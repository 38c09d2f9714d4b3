"""A step of the order flow: a priced order in, the order as it is kept out."""

from shop.data.store import OrderStore
from shop.payload import answer

if __name__ == "__main__":
    with OrderStore() as store:
        answer(store.keep)
