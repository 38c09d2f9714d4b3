"""Publish the status document: the only writer of ``status/status.json``.

The document is a view. It is written beside and renamed, so a reader always
sees a whole one; a full disk leaves the older one in place and never stops the
work it tells about. Never called between a change and its commit.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from orchestrator.coordination.liveness import is_live
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.git import NotARepository, find
from orchestrator.status.document import build, entries, whole
from orchestrator.status.facts import Extras, Facts
from orchestrator.status.instances import Texts
from orchestrator.status.view_files import (
    LOCKS,
    MANIFEST,
    SHARED,
    enabled,
    views,
    worktrees,
    write_views,
)
from orchestrator.store.gate import Gate
from orchestrator.store.port import Reader, Store

__all__ = [
    "FOLDER",
    "GITIGNORE",
    "NAME",
    "Debounced",
    "StatusNotWritten",
    "current",
    "live",
    "publish",
    "write",
]

FOLDER, NAME = "status", "status.json"

#: What ``status/.gitignore`` says.
GITIGNORE = """\
# The status document changes all the time; only its schema belongs to the repository.
*
!.gitignore
!schema.json
"""

#: Longer documents are written without indentation, an instance only when it changed.
_INDENTED = 50
_texts = Texts()
#: What tells whether the client of a row runs.
_CLIENT = ("pid", "pid_started", "host", "heartbeat_at")
#: The fields that always change.
_HEAD = ("schemaVersion", "revision", "generatedAt")
_WAIT = 2.0


class StatusNotWritten(OrchestrateError):
    """The status document could not be written; the older one is still there.

    The disk is full, the folder cannot be written, or another process kept the
    document busy. The work itself is not affected: the store has it all, and
    the next change tries again. ``orchestrate status`` reads the store.
    """

    code = "E211"
    exit_status = EXIT["unknown"]


def publish(store: Store, main_worktree: Path, *, force: bool = False) -> Path | None:
    """Bring ``<main_worktree>/status/status.json`` up to date, best effort.

    The path of the document, or None when it could not be written (``write``
    says why). An unchanged document is left alone unless ``force``.
    """
    try:
        return write(store, main_worktree, force=force)
    except StatusNotWritten:
        return None


def write(store: Store, main_worktree: Path, *, force: bool = False) -> Path:
    """As ``publish``, but raises ``StatusNotWritten``."""
    folder = main_worktree / FOLDER
    try:
        _prepare(folder)
        gate = Gate(folder / ".lock", _WAIT)
        try:
            # Built while the lock is held: whoever writes later has looked later.
            with gate:
                path = _write(folder, *store.read(_rendered), force=force)
                _write_views(store, main_worktree)
                return path
        finally:
            gate.close()
    except OSError as error:
        raise StatusNotWritten(f"{folder / NAME}: {error.strerror}") from error
    except OrchestrateError as error:
        raise StatusNotWritten(f"{folder / NAME}: {error.message}", hint=error.hint) from error


def current(store: Store) -> dict[str, Any]:
    """The document of this moment, with revision 0: not published."""
    return store.read(_document)


def live(row: Mapping[str, Any], now: int) -> bool | None:
    """Whether the client a row names runs at ``now`` (ms); None when it cannot be told."""
    beat = row.get("heartbeat_at")
    return is_live(row.get("pid"), row.get("pid_started"), row.get("host"), beat, now)


class Debounced:
    """Calls ``body`` soon after ``poke``, at most once per ``interval`` seconds.

    The last poke is never lost: ``close`` makes the call that is due.
    """

    def __init__(self, body: Callable[[], object], interval: float = 0.25) -> None:
        self._body, self._interval = body, interval
        self._poked = False
        self._due, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)
        self._thread.start()

    def poke(self) -> None:
        """Something changed. Returns at once."""
        self._poked = True
        self._due.set()

    def close(self) -> None:
        """Make the call that is due, then stop. Harmless twice."""
        self._closing.set()
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._due.wait()
            self._due.clear()
            self._call()
            self._closing.wait(self._interval)
        self._call()

    def _call(self) -> None:
        # Forgotten before the call: a poke during the call asks for another one.
        poked, self._poked = self._poked, False
        if poked:
            self._body()


def _document(reader: Reader) -> dict[str, Any]:
    return build(reader, _config(reader), extras=_extras(reader))


def _config(reader: Reader) -> Any:
    row = reader.get("meta", name="config")
    return _parsed(row["value"]) if row else None


def _extras(reader: Reader) -> Extras:
    """Each client is looked at once for one document."""
    now, known = reader.now, dict[tuple[Any, ...], bool | None]()

    def once(row: Mapping[str, Any]) -> bool | None:
        key = tuple(map(row.get, _CLIENT))
        if key not in known:
            known[key] = live(row, now)
        return known[key]

    return Extras(live=once)


@lru_cache(maxsize=2)
def _parsed(text: str) -> Any:
    """The configuration seldom changes and may be long."""
    return json.loads(text)


def _write_views(store: Store, main_worktree: Path) -> None:
    """Bring the views that are switched on up to date, in every worktree."""
    try:
        repository = find(main_worktree)
    except NotARepository:
        return
    switches = enabled(store.read(_config))
    if switches or _ever_switched_on(repository.main):
        folders = list(worktrees(repository))
        found = store.read(lambda reader: views(reader, _document(reader), switches, folders))
        for folder, files in found.items():
            write_views(folder, files)


def _ever_switched_on(folder: Path) -> bool:
    return any((folder / root / MANIFEST).exists() for root in (LOCKS, SHARED))


def _prepare(folder: Path) -> None:
    """Make the folder where ``init`` did not; its contents are not for the repository."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text(GITIGNORE)


def _write(folder: Path, head: dict[str, Any], body: bytes, *, force: bool) -> Path:
    """Under the lock: write beside and rename, unless nothing but the time changed."""
    path, beside = folder / NAME, folder / f".{NAME}.new"
    old_revision, old_body = _old(path)
    if old_body == body and not force:
        return path
    head["revision"] = max(old_revision, _last(folder)) + 1
    front = json.dumps(head, indent=2).removesuffix("\n}").encode()
    try:
        _remember(folder, head["revision"])
        with beside.open("wb") as file:
            _reserve(file.fileno(), len(front) + 1 + len(body))
            file.writelines((front, b",", body))
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def _reserve(descriptor: int, size: int) -> None:
    """Give the file its blocks at once, where that can be done: ext4's rename finds them later."""
    if hasattr(os, "posix_fallocate"):
        with suppress(OSError):
            os.posix_fallocate(descriptor, 0, size)


def _rendered(reader: Reader) -> tuple[dict[str, Any], bytes]:
    """The fields that always change, and the JSON text of everything after them."""
    view = Facts(reader, _config(reader) or {}, _extras(reader))
    if len(view.names) <= _INDENTED:
        document = whole(view, entries(view))
        text = json.dumps(_body(document), indent=2, ensure_ascii=False)
    else:
        document = whole(view, {})
        text = json.dumps(_body(document), ensure_ascii=False)
        # Within a JSON string its quotes would be escaped: what users wrote cannot look like it.
        front, _, rest = text.partition('"instances": {}')
        text = f'{front}"instances": {_texts.of(view)}{rest}'
    head = {name: document[name] for name in _HEAD}
    return head, text[1:].encode(errors="backslashreplace") + b"\n"


def _body(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in _HEAD}


def _old(path: Path) -> tuple[int, bytes]:
    """The published revision, and the text after the part that always changes."""
    try:
        data = path.read_bytes()
    except OSError:
        return 0, b""
    front, _, rest = data[:500].partition(b'"generatedAt"')
    number = bytes(c for c in front.partition(b'"revision"')[2] if c in b"0123456789")
    start = len(data[:500]) - len(rest) + rest.find(b",") + 1
    return int(number or 0), data[start:]


def _last(folder: Path) -> int:
    """The last revision, remembered in the lock file: a removed document does not restart it."""
    text = (folder / ".lock").read_text(errors="replace").strip()
    return int(text) if text.isdigit() else 0


def _remember(folder: Path, revision: int) -> None:
    # In place: the lock is on this very file, which a rename would replace.
    with (folder / ".lock").open("r+") as file:
        file.write(f"{revision}\n")
        file.truncate()
