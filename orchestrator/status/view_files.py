"""Writes the views into every worktree: beside and renamed, only what changed.

A view is an answer, never a question: what somebody writes into it is
overwritten, what somebody removes comes back with the next change, and neither
does anything to the store. Files that were there before the first view are
kept beside it as ``NAME.original``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from orchestrator.git import Repository
from orchestrator.status import lock_views, shared_views
from orchestrator.status.view_names import seconds
from orchestrator.store.port import Reader

__all__ = ["LOCKS", "MANIFEST", "SHARED", "enabled", "views", "worktrees", "write_views"]

Json = dict[str, Any]
#: Path in a worktree → the bytes of that file.
Files = dict[str, bytes]

#: Longer lists have one line for each entry.
_LONG = 50
_encode = json.JSONEncoder(ensure_ascii=False).encode

#: Where scripts look, in a worktree.
LOCKS, SHARED = ".claude/coordination", "coordination"
_BEATS = f"{LOCKS}/heartbeats"

#: The names of what was written, one a line: everything else is somebody else's.
MANIFEST = ".orchestrate-views"

#: What git ignores: everything but the decision logs, which some projects commit.
_HIDDEN = {
    LOCKS: ("work-registry.json", "locks/", "heartbeats/", MANIFEST, ".gitignore"),
    SHARED: (
        "instance-registry.json", "task-queue.json", "communication-log.json", MANIFEST,
        ".gitignore",
    ),
}  # fmt: skip


def enabled(config: Mapping[str, Any] | None) -> dict[str, bool]:
    """The switches of ``Config.to_json()`` that are on."""
    switches = ((config or {}).get("status") or {}).get("views") or {}
    return {name: True for name, on in switches.items() if on}


def views(
    reader: Reader,
    document: Mapping[str, Any],
    switches: Mapping[str, bool],
    folders: Iterable[Path],
) -> dict[Path, Files]:
    """Worktree → path in it → what belongs there; what is the same everywhere is made once."""
    last = reader.find("events", order="-seq", limit=1, columns=("at",))
    updated = seconds(last[0]["at"] if last else 0)
    common = {name: _text(value) for name, value in _common(reader, document, switches, updated)}
    found: dict[Path, Files] = {}
    for folder in folders:
        found[folder] = dict(common)
        if "work_registry" in switches:
            registry = lock_views.work_registry(document, str(folder / _BEATS), updated)
            found[folder][f"{LOCKS}/work-registry.json"] = _text(registry)
    return found


def _common(
    reader: Reader, document: Mapping[str, Any], switches: Mapping[str, bool], updated: str | None
) -> Iterator[tuple[str, Json]]:
    """The views that are the same in every worktree: path, value."""
    if "locks" in switches:
        yield from ((f"{LOCKS}/locks/{n}", v) for n, v in lock_views.locks(reader).items())
    if "decision_log" in switches:
        yield f"{LOCKS}/decision-log.json", lock_views.decision_log(reader)
    if "heartbeats" in switches:
        yield from ((f"{_BEATS}/{n}", v) for n, v in lock_views.heartbeats(document).items())
    if "instance_registry" in switches:
        shared = shared_views.instance_registry(reader, document, updated)
        yield f"{SHARED}/instance-registry.json", shared
    if "task_queue" in switches:
        yield f"{SHARED}/task-queue.json", shared_views.task_queue(reader)
    if "communication_log" in switches:
        yield f"{SHARED}/communication-log.json", shared_views.communication_log(reader)
    if "decisions" in switches:
        yield f"{SHARED}/decisions.json", shared_views.decisions(reader)


def _text(value: Json) -> bytes:
    """Indented; a long list with a line for each entry, which takes a tenth of the time."""
    parts = [f"{json.dumps(name)}: {_part(part)}" for name, part in value.items()]
    text = ",\n  ".join(parts)
    whole = f"{{\n  {text}\n}}\n" if parts else "{}\n"
    return whole.encode(errors="backslashreplace")


def _part(part: Any) -> str:
    if isinstance(part, list) and len(part) > _LONG:
        lines = ",\n    ".join([_encode(entry) for entry in part])
        return f"[\n    {lines}\n  ]"
    return json.dumps(part, indent=2, ensure_ascii=False).replace("\n", "\n  ")


def worktrees(repository: Repository) -> Iterator[Path]:
    """The main worktree and the linked ones, without those that verification made.

    Read from git's own files: starting git takes longer than everything else here.
    """
    yield repository.main
    for pointer in sorted(repository.common.glob("worktrees/*/gitdir")):
        folder = Path(pointer.read_text().strip()).parent
        if folder.is_dir() and repository.state not in folder.parents:
            yield folder


def write_views(folder: Path, files: Files) -> None:
    """Make ``files`` the views of worktree ``folder``. Raises OSError, having tried them all."""
    failed: OSError | None = None
    for root in (LOCKS, SHARED):
        mine = {PurePosixPath(name) for name in files if name.startswith(f"{root}/")}
        try:
            _write_folder(folder, root, {str(name): files[str(name)] for name in mine})
        except OSError as error:
            failed = error
    if failed is not None:
        raise failed


def _write_folder(folder: Path, root: str, files: Files) -> None:
    manifest = folder / root / MANIFEST
    before = set(manifest.read_text().splitlines()) if manifest.is_file() else set()
    if not files and not before:
        return
    for name in sorted(files):
        _write(folder / name, files[name], ours=name in before)
    for name in before - set(files):
        (folder / name).unlink(missing_ok=True)
    if before != set(files):
        _replace(manifest, "".join(f"{name}\n" for name in sorted(files)).encode())
    ignored = folder / root / ".gitignore"
    if not ignored.exists():
        hidden = "".join(f"/{name}\n" for name in _HIDDEN[root])
        ignored.write_text(f"# Views of orchestrate.\n{hidden}")


def _write(path: Path, data: bytes, *, ours: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.is_file():
        if path.is_file() and path.read_bytes() == data:
            return
        if not ours:
            path.rename(path.with_name(f"{path.name}.original"))
    _replace(path, data)


def _replace(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
