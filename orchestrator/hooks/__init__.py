"""Inside a client: what its hooks call, and how they are registered with it."""
