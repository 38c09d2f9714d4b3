"""Benchmarks of the budgets. Each module has ``measure()``, which yields rows."""
