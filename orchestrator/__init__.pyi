# For type checkers: what ``__init__.py`` loads when it is asked for.
from orchestrator.api import Orchestrator as Orchestrator

__all__ = ["Orchestrator", "__version__"]

__version__: str
