"""The status document, a view of the store: the only code that writes ``status/``."""
