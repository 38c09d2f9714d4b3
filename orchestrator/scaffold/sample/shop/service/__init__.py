"""The service layer: what an order costs, and the JSON interface to it."""
