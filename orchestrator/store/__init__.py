"""The truth: a few tables, their events, and transactions over them."""
