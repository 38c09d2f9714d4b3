"""The use cases: what commands, hooks and the watch call. Decides by asking the rooms below."""
