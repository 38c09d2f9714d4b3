"""How long SQLite's write-ahead log is, read from its own file.

Its size does not tell: the file is used again from its start. But every frame
carries the salt of the pass it was written in, as the header does; a frame
with the header's salt belongs to this pass. The format is SQLite's, documented
at https://www.sqlite.org/walformat.html.
"""

from __future__ import annotations

import os
import struct

__all__ = ["BYTES", "reaches", "size"]

#: A log of this many bytes is brought into the file.
BYTES = 4 * 1024 * 1024
_HEADER, _FRAME, _SALT = 32, 24, 8
_SALT_IN_HEADER, _SALT_AT = 16, 8


def size(frames: int, page: int) -> int:
    """The bytes of a log of so many frames with pages of ``page`` bytes."""
    return _HEADER + frames * (_FRAME + page)


def reaches(path: str, length: int) -> bool:
    """Whether the log in ``path`` has ``length`` bytes of this pass, or more.

    False where there is no log. Raises OSError.
    """
    try:
        # SQLite keeps no lock on this file, so closing it here loses none.
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        header = os.pread(file, _HEADER, 0)
        if len(header) < _HEADER:
            return False
        (page,) = struct.unpack_from(">I", header, 8)
        before = max(0, length - _HEADER) // (_FRAME + page)
        salt = os.pread(file, _SALT, size(before, page) + _SALT_AT)
        return salt == header[_SALT_IN_HEADER : _SALT_IN_HEADER + _SALT]
    finally:
        os.close(file)
