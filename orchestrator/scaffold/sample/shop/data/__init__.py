"""The data layer: keeps orders, knows nothing of prices, requests or pages."""
