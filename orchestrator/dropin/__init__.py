"""The commands people run today, with their names, options, output and exit codes.

Thin: each asks the same use cases as ``orchestrate`` and prints in the old form.
"""
