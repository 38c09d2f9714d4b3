"""A small tea shop: orders are entered, kept, confirmed and shown.

Three layers, each importing only the ones below it: web → service → data.
Amounts are whole cents everywhere.
"""
