"""The project's configuration: the only code that reads or writes ``config/``."""
