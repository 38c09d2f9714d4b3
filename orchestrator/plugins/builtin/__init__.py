"""The families of checks that ship with orchestrate; they enter by the same door as others'."""
