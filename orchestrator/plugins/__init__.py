"""The plugin host. ``spec`` is the page a plugin author reads first."""
