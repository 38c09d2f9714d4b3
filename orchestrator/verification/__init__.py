"""Runs: one candidate, verified exactly as it would land."""
