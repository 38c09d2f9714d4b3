"""A write transaction of the store, as ``store.sqlite`` makes one, for the hook alone.

The gate, ``BEGIN IMMEDIATE``, and the questions and changes the common answers need.
"""

import posix

from orchestrator.hooks import driver
from orchestrator.hooks.place import Place, variable
from orchestrator.hooks.request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = tuple[Any, ...]

__all__ = ["LONGEST_FILE", "TTL_MS", "Transaction", "above", "content"]

#: As in coordination.leases and coordination.liveness; a test compares them.
TTL_MS = 5 * 60 * 1000
#: Larger files are left to the engine, which reads them piece by piece.
LONGEST_FILE = 16 * 1024 * 1024
_SCHEMA = "1"
_START = f"0 0 {'0' * 64}"


class Transaction:
    """A write transaction of the store: gate, ``BEGIN IMMEDIATE``, events chained by hashes."""

    __slots__ = ("_head", "_path", "db", "now", "settings")

    def __init__(self, place: Place, clock: int) -> None:
        self._path = f"{place.state}/state.db"
        posix.stat(self._path)
        driver.lock(f"{place.state}/gate")
        self.db = driver.connect(self._path)
        self.run("PRAGMA synchronous = NORMAL")
        self.run("PRAGMA wal_autocheckpoint = 0")
        self.run("BEGIN IMMEDIATE")
        names = ("schema", "chain", "ownership", "hooks")
        rows = self.all(f'SELECT "name", "value" FROM "meta" WHERE "name" IN {names}')
        self.settings = {**dict.fromkeys(names), **dict(rows)}
        seq, at, digest = (self.settings["chain"] or _START).split(" ")
        self._head = int(seq), digest
        self.now = max(clock, int(at))

    def run(self, text: str, values: "tuple[object, ...]" = ()) -> None:
        self.db.execute(text, values)

    def one(self, text: str, values: "tuple[object, ...]" = ()) -> "Row":
        row: Row = self.db.execute(text, values).fetchone()
        return row

    def all(self, text: str, values: "tuple[object, ...]" = ()) -> "list[Row]":
        rows: list[Row] = self.db.execute(text, values).fetchall()
        return rows

    def end(self, commit: bool) -> None:
        """Commit or undo, and let go of the gate."""
        self.run("COMMIT" if commit else "ROLLBACK")
        if commit:
            driver.checkpoint(self.db, self._path)
        self.db.close()
        driver.unlock()

    def live(self, request: Request) -> str | None:
        """The instance of an ordinary, registered, open session; None for any other."""
        if self.settings["schema"] != _SCHEMA:
            return None
        for name in {request.session, request.member}:
            row = self.one('SELECT "instance", "pid", "ended_at", "parent" FROM "sessions" '
                           'WHERE "id" = ?', (name,))  # fmt: skip
            child = name != request.session
            if row is None or row[2] is not None or (row[3] is not None) != child:
                return None
            if request.pid is not None and request.pid != row[1]:
                return None
            instance: str = row[0]
        known = self.one('SELECT "session" FROM "instances" WHERE "id" = ?', (instance,))
        named = variable("ORCHESTRATE_INSTANCE")
        ours = known is not None and known[0] == request.session and named in (None, instance)
        return instance if ours else None

    def beat(self, request: Request, instance: str) -> None:
        """A sign of life of the session, its sub-agent and the instance."""
        for name in {request.session, request.member}:
            self.run('UPDATE "sessions" SET "heartbeat_at" = ? WHERE "id" = ?', (self.now, name))
        self.run('UPDATE "instances" SET "heartbeat_at" = ? WHERE "id" = ? AND "session" = ?',
                 (self.now, instance, request.session))  # fmt: skip

    def renew(self, session: str, instance: str) -> None:
        """What the session holds lasts longer; never what has run out or passed to a handoff."""
        self.run('UPDATE "leases" SET "expires_at" = max("expires_at", ?) '
                 'WHERE "status" = \'held\' AND "instance" = ? AND "session" = ? '
                 'AND "handoff" IS NULL AND "expires_at" > ?',
                 (self.now + TTL_MS, instance, session, self.now))  # fmt: skip

    def saw(self, member: str, path: str, digest: str, instance: str) -> None:
        """What a session last saw or made of a file, and with it its lease on it."""
        self.run('INSERT INTO "sightings" ("session", "path", "hash", "at") VALUES (?, ?, ?, ?) '
                 'ON CONFLICT ("session", "path") DO UPDATE SET "hash" = excluded."hash", '
                 '"at" = excluded."at"', (member, path, digest, self.now))  # fmt: skip
        self.run('UPDATE "leases" SET "hash" = ? WHERE "status" = \'held\' AND "path" = ? '
                 'AND "kind" = \'file\' AND "lines_from" IS NULL AND "instance" = ?',
                 (None if digest == "-" else digest, path, instance))  # fmt: skip

    def owner(self, path: str, instance: str) -> str | None:
        """Whose ``path`` is beside ``instance``'s; empty where nobody's certainly.

        None where the patterns have to be read more closely than is done here.
        """
        places = ("", path, *above(path))
        rows = self.all('SELECT "prefix", "instance", "kind", "pattern" FROM "owned" '
                        f'WHERE "prefix" IN ({_marks(places)}) AND "instance" <> ?',
                        (*places, instance))  # fmt: skip
        found = {
            owner: kind
            for prefix, owner, kind, pattern in rows
            if _may_match(prefix, kind, pattern, path)
        }
        if not found:
            return ""
        # The rest of a folder, and a file by its name, leave no doubt.
        name, kind = found.popitem()
        return name if not found and kind != "glob" else None

    def near(self, path: str) -> "list[Row] | None":
        """Held leases on exactly this file; None where others may overlap it."""
        places = ("", path, *above(path))
        rows = self.all(
            'SELECT "id", "instance", "session", "mode", "fence", "path", "hash", "expires_at", '
            '"handoff", "kind", "lines_from" FROM "leases" WHERE "status" = \'held\' '
            f'AND "prefix" IN ({_marks(places)})', places)  # fmt: skip
        if any(row[5] != path or row[9] != "file" or row[10] is not None for row in rows):
            return None
        return [row[:9] for row in rows]

    def may_live(self, session: str) -> bool:
        """False where the engine would look closer: the holder may be gone."""
        row = self.one('SELECT "pid", "pid_started", "host", "heartbeat_at", "ended_at" '
                       'FROM "sessions" WHERE "id" = ?', (session,))  # fmt: skip
        if row is None:
            return True
        pid, started, host, heartbeat, ended = row
        if ended is not None:
            return False
        if pid and started and host == posix.uname().nodename:
            same: bool = _started(pid) == started
            return same
        return bool(heartbeat is None or self.now - heartbeat <= TTL_MS)

    def record(self, kind: str, instance: str, data: str, reason: str) -> None:
        """Append an event. ``data`` is canonical JSON, every text plain ASCII."""
        seq, previous = self._head[0] + 1, self._head[1]
        quoted = data.replace('"', '\\"')
        text = (
            f'{{"actor":"{instance}","after":null,"at":{self.now},"before":null,"data":"{quoted}",'
            f'"handoff":null,"instance":"{instance}","kind":"{kind}","reason":"{reason}",'
            f'"seq":{seq}}}'
        )
        digest = driver.sha256(f"{previous}\n{text}")
        self.run('INSERT INTO "events" ("seq", "at", "kind", "actor", "instance", "reason", '
                 '"data", "prev", "hash") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
                 (seq, self.now, kind, instance, instance, reason, data, previous,
                  digest))  # fmt: skip
        self.run('INSERT INTO "meta" ("name", "value") VALUES (\'chain\', ?) '
                 'ON CONFLICT ("name") DO UPDATE SET "value" = excluded."value"',
                 (f"{seq} {self.now} {digest}",))  # fmt: skip
        self._head = seq, digest


def content(path: str) -> str | None:
    """The sha1 of a file, a dash without one, None where that is not for here to say."""
    try:
        number = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NONBLOCK)
    except FileNotFoundError:
        return "-"
    except OSError:
        return None
    try:
        size = posix.fstat(number).st_size
        if size > LONGEST_FILE:
            return None
        found = b""
        while part := posix.read(number, size + 1):
            found += part
        return driver.hexdigest(found)
    finally:
        posix.close(number)


def _may_match(prefix: str, kind: str, pattern: str, path: str) -> bool:
    """False where a pattern that begins in ``prefix`` certainly does not match ``path``.

    Looks at ``folder/**``, ``folder/*.md`` and ``folder/**/*.md``; of others it says yes.
    """
    if kind != "glob":
        return (kind == "file") == (prefix == path)
    start = f"{prefix}/" if prefix else ""
    if prefix == path or not pattern.startswith(start):
        return prefix != path
    rest, inside = pattern[len(start) :], path[len(start) :]
    deep = rest.startswith("**/")
    name = rest[3:] if deep else rest
    if "/" in inside and not deep and "/" not in rest:
        return rest == "**"
    ending = name[1:]
    if name[:1] != "*" or any(sign in ending for sign in "*?[/"):
        return True
    return inside.endswith(ending)


def _started(pid: int) -> str | None:
    """When a process started, as ``coordination.liveness`` reads it."""
    try:
        number = posix.open(f"/proc/{pid}/stat", posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return None
    try:
        fields = posix.read(number, 4096).rpartition(b")")[2].split()
    finally:
        posix.close(number)
    return None if fields[0] == b"Z" else fields[19].decode()


def above(path: str) -> list[str]:
    """The folders above a file, the outermost first: a/b/c → a, a/b."""
    names = path.split("/")[:-1]
    return ["/".join(names[: place + 1]) for place in range(len(names))]


def _marks(values: "tuple[object, ...]") -> str:
    return ", ".join("?" * len(values))
