"""The control plane for several AI coding instances that work on one repository.

Kept empty of imports: the hook entry imports this package on every edit. What
it exports is loaded when it is asked for.
"""

__all__ = ["Orchestrator", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """``Orchestrator``, by name: as a statement it would tie every part to the topmost."""
    if name != "Orchestrator":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module("orchestrator.api").Orchestrator
