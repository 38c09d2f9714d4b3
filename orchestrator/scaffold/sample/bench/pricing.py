"""How long pricing takes: prints ``{"seconds": …}`` for one basket of 12,000 lines.

CPU seconds, the best of five, so that a busy machine does not look like slow code.
"""

import json
import time

from shop.service.pricing import PRICES, price


def basket(size: int) -> list[dict[str, object]]:
    """The same lines every time: every tea, in every weight class."""
    teas = list(PRICES)
    return [{"tea": teas[n % len(teas)], "grams": 10 + 37 * n % 1500} for n in range(size)]


def measure(lines: list[dict[str, object]]) -> float:
    start = time.process_time()
    price(lines)
    return time.process_time() - start


if __name__ == "__main__":
    lines = basket(12_000)
    print(json.dumps({"seconds": min(measure(lines) for _ in range(5))}))
