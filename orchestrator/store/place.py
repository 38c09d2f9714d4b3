"""Where a store may live: a folder of this user's on a local disk.

Reads ``/proc/mounts`` where there is one; elsewhere (macOS) it cannot tell and
allows the place.
"""

from __future__ import annotations

import errno
from pathlib import Path

from orchestrator.store.errors import StoreFull, Unsupported, Unwritable

__all__ = ["file_system", "kind_of_disk", "prepare"]

#: File systems whose shared memory is not shared by every process that mounts them.
_NETWORK = (
    "nfs", "nfs4", "cifs", "smbfs", "smb3", "9p", "afs", "ceph", "lustre", "glusterfs", "virtiofs",
    "davfs", "beegfs", "gpfs", "fuse.sshfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs",
    "fuse.gcsfuse", "fuse.davfs2", "fuse.cephfs",
)  # fmt: skip


def prepare(folder: Path) -> None:
    """Make ``folder`` (mode 0700). Raises ``Unsupported``, ``StoreFull``, ``Unwritable``."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        kind = StoreFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else Unwritable
        raise kind(f"cannot make the folder {folder}: {error.strerror}") from error
    disk = kind_of_disk(folder)
    if disk in _NETWORK:
        raise Unsupported(
            f"{folder} is on a network file system ({disk}), where processes "
            "cannot share the store's memory",
            hint="set ORCHESTRATE_STATE to a folder on a local disk, the same for every process",
        )


def file_system(folder: Path, mounts: str) -> str | None:
    """The type of the file system ``folder`` is on, by a text like ``/proc/mounts``."""
    best, kind, inside = -1, None, f"{folder}/"
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = _unescaped(fields[1]).rstrip("/") + "/"
        # The last mount at a point hides those before it.
        if inside.startswith(point) and len(point) >= best:
            best, kind = len(point), fields[2]
    return kind


def kind_of_disk(folder: Path) -> str | None:
    """The type of the file system ``folder`` is on now; None where it cannot be told."""
    return file_system(folder.resolve(), _mounts())


def _unescaped(point: str) -> str:
    """Spaces in mount points stand as ``\\040``."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, character)
    return point


def _mounts() -> str:
    try:
        return Path("/proc/mounts").read_text(errors="surrogateescape")
    except OSError:
        return ""
