"""The handoff lifecycle: eight states, written once as data. Pure."""
