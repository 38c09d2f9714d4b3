"""Where a hook is: the checkout around a folder, its store, and a file's path in it.

The plain cases only, without ``pathlib``: whatever is unusual (symbolic links,
nested checkouts, other scripts than ASCII) is left to ``coordination.paths``.
"""

import posix

__all__ = ["Place", "find", "inside", "variable"]


class Place:
    """``root`` is the checkout, ``main`` the main one, ``state`` the folder of the store."""

    __slots__ = ("common", "main", "root", "state")

    def __init__(self, root: str, main: str, common: str) -> None:
        self.root, self.main, self.common = root, main, common
        self.state = variable("ORCHESTRATE_STATE") or f"{common}/orchestrator"


def variable(name: str) -> str | None:
    """An environment variable, or None where it is missing or empty."""
    value = posix.environ.get(name.encode())
    return value.decode("utf-8", "surrogateescape") if value else None


def find(folder: str) -> Place | None:
    """The checkout around ``folder`` (absolute), or None. Starts no git."""
    while True:
        marker = f"{folder.rstrip('/')}/.git"
        try:
            mode = posix.stat(marker).st_mode
        except OSError:
            if folder in ("", "/"):
                return None
            folder = folder.rpartition("/")[0] or "/"
            continue
        if mode & 0o170000 == 0o040000:
            return Place(folder, folder, marker)
        return _linked(folder, marker)


def _linked(folder: str, marker: str) -> Place | None:
    """A linked worktree: the parts as ``git.find`` gives them."""
    private = _joined(folder, _text(marker).removeprefix("gitdir:").strip())
    try:
        common = _folded(_joined(private, _text(f"{private}/commondir").strip()))
    except OSError:
        common = private
    main = common.rpartition("/")[0] if common.endswith("/.git") else folder
    return Place(folder, main, common)


def inside(place: Place, path: str) -> str | None:
    """``path`` relative to the checkout, where that is plain to see; else None.

    None too where the disk may take ``A`` and ``a`` for one name.
    """
    root = f"{place.root}/"
    if not path.startswith(root) or len(path) > 1000 or not _plain(path):
        return None
    try:
        posix.lstat(f"{root}.GIT")
        return None
    except OSError:
        pass
    names = path[len(root) :].split("/")
    if not all(names) or {".", ".."} & set(names) or names[0].lower() == ".git":
        return None
    return path[len(root) :] if _straight(path, len(root)) else None


def _plain(path: str) -> bool:
    """ASCII that stands for itself in JSON."""
    return path.isascii() and path.isprintable() and '"' not in path and "\\" not in path


def _straight(path: str, root: int) -> bool:
    """No symbolic link on the way, and no other checkout between the root and the file."""
    place = path.find("/", 1)
    while place > 0:
        try:
            mode = posix.lstat(path[:place]).st_mode
        except OSError:
            return place >= root  # a folder that is yet to be made
        if mode & 0o170000 != 0o040000 or (place >= root and _exists(f"{path[:place]}/.git")):
            return False
        place = path.find("/", place + 1)
    try:
        return posix.lstat(path).st_mode & 0o170000 == 0o100000
    except OSError:
        return True


def _exists(path: str) -> bool:
    try:
        posix.lstat(path)
    except OSError:
        return False
    return True


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def _joined(folder: str, path: str) -> str:
    return path if path.startswith("/") else f"{folder}/{path}"


def _folded(path: str) -> str:
    """Without ``.`` and ``..``; git writes ``../..`` into ``commondir``."""
    names: list[str] = []
    for name in path.split("/"):
        if name == "..":
            names = names[:-1]
        elif name not in ("", "."):
            names.append(name)
    return "/" + "/".join(names)
