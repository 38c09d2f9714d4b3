"""The web layer: receipts as pages, and the server that shows them."""
