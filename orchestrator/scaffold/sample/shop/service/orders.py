"""Orders from the customer's words to a receipt."""

from typing import Any

from shop.service.pricing import PRICES, price

#: How a customer may pay.
PAYMENTS = ("card", "cash", "invoice")


class Refused(ValueError):
    """The order cannot be taken; the message is for the customer."""


def enter(request: dict[str, Any]) -> dict[str, Any]:
    """The priced order for a request. Raises ``Refused``."""
    if request.get("payment") not in PAYMENTS:
        raise Refused(f"pay by one of: {', '.join(PAYMENTS)}")
    lines = request.get("lines") or []
    if not lines:
        raise Refused("an order has at least one line")
    for line in lines:
        if line.get("tea") not in PRICES:
            raise Refused(f"we sell: {', '.join(PRICES)}")
        if not isinstance(line.get("grams"), int) or line["grams"] < 1:
            raise Refused("grams are a whole number, one or more")
    priced = price(lines)
    return {
        "customer": request["customer"],
        "payment": request["payment"],
        "lines": priced,
        "total": sum(line["amount"] for line in priced),
    }


def receipt(order: dict[str, Any]) -> dict[str, Any]:
    """What the customer gets to see of a kept order."""
    return {
        "number": f"T-{order['id']:05d}",
        "customer": order["customer"],
        "status": order["status"],
        "lines": order["lines"],
        "total": order["total"],
        "currency": "EUR",
    }
