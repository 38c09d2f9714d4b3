"""What a store can refuse or lose."""

from orchestrator.errors import EXIT, OrchestrateError

__all__ = ["Busy", "Corrupt", "Duplicate", "StoreFull", "Tampered", "Unsupported"]


class Duplicate(OrchestrateError):
    """A row with this key exists already."""

    code = "E201"


class Busy(OrchestrateError):
    """Another process kept the store busy longer than this one may wait."""

    code = "E202"
    exit_status = EXIT["unknown"]


class Corrupt(OrchestrateError):
    """The store cannot be read; nothing was changed."""

    code = "E203"
    exit_status = EXIT["unknown"]


class Tampered(OrchestrateError):
    """The chain of events is broken: somebody changed the record."""

    code = "E204"
    exit_status = EXIT["failed"]


class Unsupported(OrchestrateError):
    """The store cannot live here."""

    code = "E205"


class StoreFull(OrchestrateError):
    """The disk is full; nothing was changed."""

    code = "E206"
    exit_status = EXIT["unknown"]
