"""The JSON interface: a request in, a status and a JSON body out. Described in ``api/openapi.json``."""

import re
from typing import Any

from shop.data.store import OrderStore
from shop.service.orders import Refused, enter, receipt

_ORDER = re.compile(r"/orders/(\d{1,9})")


def handle(
    store: OrderStore, method: str, path: str, body: dict[str, Any] | None = None
) -> tuple[int, dict[str, Any]]:
    """Answer one request."""
    if (method, path) == ("POST", "/orders"):
        return _place(store, body or {})
    found = _ORDER.fullmatch(path)
    if method == "GET" and found:
        return _show(store, int(found[1]))
    return 404, {"error": f"there is nothing at {method} {path}"}


def _place(store: OrderStore, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    if not isinstance(body.get("customer"), str) or not body["customer"].strip():
        return 422, {"error": "an order has a customer"}
    try:
        priced = enter(body)
    except Refused as refusal:
        return 422, {"error": str(refusal)}
    return 201, receipt(store.keep(priced))


def _show(store: OrderStore, number: int) -> tuple[int, dict[str, Any]]:
    try:
        return 200, receipt(store.order(number))
    except KeyError:
        return 404, {"error": f"there is no order {number}"}
