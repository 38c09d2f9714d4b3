"""Hooks in an AI client: who edits what is asked before it happens, and told after.

``entry`` is what the client starts. It reads one event, finds the store, answers
and leaves. The common answers come from ``fast``, in a few milliseconds more than
the interpreter takes; everything else from ``slow`` and the modules it names.
"""
