"""The database driver below the one everybody else uses, for the hook alone.

The stated exception to "``store.sqlite`` is the only module that knows the driver":
importing ``sqlite3`` costs as much as the whole hook may. Here are only the calls;
what they mean for leases is in ``fast``, and a test compares it with the engine.
"""

import fcntl
import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Connection = Any

__all__ = ["Connection", "checkpoint", "connect", "hexdigest", "lock", "sha256", "unlock"]

_CHECKPOINT_BYTES = 4 * 1024 * 1024


def _driver() -> "Any":
    """``_sqlite3``, which wants one function of ``functools``: the module costs more than it."""
    if "_sqlite3" in sys.modules or "functools" in sys.modules:
        import _sqlite3

        return _sqlite3
    import _functools

    def lru_cache(maxsize: int = 128, typed: bool = False) -> object:
        return lambda body: _functools._lru_cache_wrapper(body, maxsize, typed, tuple)

    stand_in: Any = type(sys)("functools")
    stand_in.lru_cache = lru_cache
    sys.modules["functools"] = stand_in
    try:
        import _sqlite3
    finally:
        del sys.modules["functools"]
    return _sqlite3


_sqlite = _driver()


def connect(path: str, busy_ms: int = 1500) -> "Connection":
    """A connection in autocommit mode. Text that is no UTF-8 is read as well as it can be."""
    connection = _sqlite.connect(path, timeout=busy_ms / 1000, isolation_level=None)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


_gates: "list[int]" = []


def lock(path: str) -> None:
    """Hold the gate of the store until ``unlock``; waits as long as the deadline lets it."""
    number = posix.open(path, posix.O_RDWR | posix.O_CREAT | posix.O_CLOEXEC, 0o600)
    _gates.append(number)
    fcntl.flock(number, fcntl.LOCK_EX)


def unlock() -> None:
    """Let go of the gate, if we hold it. Harmless twice."""
    while _gates:
        posix.close(_gates.pop())


def checkpoint(connection: "Connection", path: str) -> None:
    """Bring a long log into the file, under the gate: nobody else may be there to do it."""
    try:
        if not _long(f"{path}-wal"):
            return
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
    except (OSError, _sqlite.Error):
        return


def _long(log: str) -> bool:
    """As ``store.log.reaches``: the frame at that place has the salt of this pass."""
    if posix.stat(log).st_size < _CHECKPOINT_BYTES:
        return False
    number = posix.open(log, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        header = posix.pread(number, 32, 0)
        frame = 24 + int.from_bytes(header[8:12], "big")
        place = 32 + (_CHECKPOINT_BYTES - 32) // frame * frame + 8
        return posix.pread(number, 8, place) == header[16:24]
    finally:
        posix.close(number)


def hexdigest(content: bytes) -> str:
    """The sha1 of a file's content, as leases keep it."""
    import _sha1

    return str(_sha1.sha1(content).hexdigest())


def sha256(text: str) -> str:
    """The sha256 of the chain of events."""
    try:
        from _sha2 import sha256 as made  # Python 3.12 and later
    except ImportError:
        from _sha256 import sha256 as made
    return str(made(text.encode()).hexdigest())
