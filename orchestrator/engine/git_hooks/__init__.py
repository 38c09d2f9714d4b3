"""Our hooks in git: where they belong, putting them there, and how they stand."""
