"""What ``init`` and ``demo`` write: presets fitted to a tree, starters, the sample project."""
