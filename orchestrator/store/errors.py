"""What a store can refuse or lose."""

from orchestrator.errors import EXIT, OrchestrateError

__all__ = [
    "Busy",
    "Corrupt",
    "Duplicate",
    "NewerStore",
    "StoreFull",
    "Tampered",
    "Unsupported",
    "Unwritable",
]


class Duplicate(OrchestrateError):
    """A row with this key exists already.

    Two callers made the same thing at once, or one did it twice. Look at what
    is there before trying again.
    """

    code = "E201"


class Busy(OrchestrateError):
    """Another process kept the store busy longer than this one may wait.

    Nothing was changed. Ordinary writes take less than a millisecond, so a
    process is stuck in one: ``fuser`` on the file the message names shows which. Ending it
    frees the store at once; its unfinished write is undone.
    """

    code = "E202"
    exit_status = EXIT["unknown"]


class Corrupt(OrchestrateError):
    """The store cannot be read; nothing was changed.

    The file is damaged, cut off or missing. It is never replaced silently:
    ``orchestrate doctor --fix`` restores the last good copy, says what was
    lost, and keeps the damaged file beside it.
    """

    code = "E203"
    exit_status = EXIT["unknown"]


class Tampered(OrchestrateError):
    """The chain of events is broken: somebody changed the record.

    Every event holds the hash of the one before. The message names the first
    event that does not fit; everything before it is as it was written.
    """

    code = "E204"
    exit_status = EXIT["failed"]


class Unsupported(OrchestrateError):
    """The store cannot live here.

    SQLite's write-ahead log needs memory that every process shares, which a
    network file system does not give. Set ``ORCHESTRATE_STATE`` to a folder on
    a local disk, the same one for every process of the project.
    """

    code = "E205"


class StoreFull(OrchestrateError):
    """The disk is full; nothing was changed.

    Free some space and repeat the command: the write that failed was undone as
    a whole.
    """

    code = "E206"
    exit_status = EXIT["unknown"]


class Unwritable(OrchestrateError):
    """The store cannot be opened or written; nothing was changed.

    Happens when the folder or its files belong to another user, are read-only,
    or the disk reports an error. The message says what the system said.
    """

    code = "E207"
    exit_status = EXIT["unknown"]


class NewerStore(OrchestrateError):
    """A newer orchestrate wrote this store; this one does not know its tables.

    Nothing was changed. Use the newer version here too: all processes of one
    project share the store.
    """

    code = "E208"
