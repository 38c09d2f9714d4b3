"""Warm checkouts: a small pool of detached worktrees, one run in each at a time.

A checkout is claimed with a kernel lock (freed when its holder dies, however
it dies), reset and cleaned for every use, and made again when it is broken.
Merges are computed in one too: attributes are read from the working directory.

Must never touch a worktree that is not the pool's own: every use first proves
that the folder's git data point back at it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from orchestrator.descendants import marker_key
from orchestrator.errors import OrchestrateError
from orchestrator.git import Git, GitError, Repository

__all__ = ["Candidate", "Checkout", "CheckoutBroken", "Pool", "checkouts_folder"]


class CheckoutBroken(OrchestrateError):
    """A checkout for verification could not be made.

    Happens when git cannot write a worktree into the cache (or state) folder: a
    full disk, a folder that is not writable, a commit that is not complete. The
    message ends with what git said. Free space or mend the repository
    (``git fsck``), then verify again.
    """

    code = "E403"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a run verifies.

    ``commit`` with ``tree`` is what would land, ``head`` the producer's commit,
    ``base`` the integration commit it was merged onto (None: not compared).
    ``changed`` are paths between base and commit, None when everything counts
    as changed. With ``conflicts`` (paths) nothing was merged and ``commit`` is
    ``head``.
    """

    commit: str
    tree: str
    base: str | None
    head: str
    changed: tuple[str, ...] | None = None
    conflicts: tuple[str, ...] = ()

    @classmethod
    def of(cls, git: Git, commit: str, base: str | None = None) -> Candidate:
        """A commit as it is, compared with ``base`` when given."""
        changed = None if base is None else git.changed(base, commit)
        return cls(commit, git.tree(commit), base, commit, changed)


@dataclass(frozen=True, slots=True)
class Checkout:
    """A claimed checkout at ``commit``; gone back to the pool when the claim ends.

    ``private`` is its own git folder (stamps live there), ``scratch`` a folder
    for reports, emptied at each claim.
    """

    path: Path
    private: Path
    scratch: Path
    commit: str

    @property
    def git(self) -> Git:
        return Git(self.path)

    def of_mode(self, mode: str) -> list[str]:
        """The paths in the commit that have this mode, such as ``120000`` for symbolic links."""
        return [path for told, path in _entries(self.path, self.commit) if told == mode]


class Pool:
    """The checkouts of one repository, as many as are in use at once."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._folder = checkouts_folder(repository)

    @contextmanager
    def claim(self, commit: str, keep: Sequence[str] = ()) -> Iterator[Checkout]:
        """A checkout that holds exactly ``commit`` and the ignored paths in ``keep``."""
        with self._slot() as path:
            private = self._ready(path, commit, keep)
            scratch = path.with_name(f"{path.name}.scratch")
            _remove(scratch)
            scratch.mkdir()
            try:
                yield Checkout(path, private, scratch, commit)
            finally:
                _remove(scratch)

    def preview(self, base: str, head: str, message: str) -> Candidate:
        """Merge ``head`` into ``base`` the way it would land, and store the commit.

        Always a merge commit, also where a fast-forward would do; nothing but
        ``base`` itself when ``head`` is already in it.
        """
        with self.claim(base) as checkout:
            git = checkout.git
            done = git.run(
                "merge", "--no-ff", "--no-log", "--no-edit", "--no-stat", "-m", message, head,
                check=False, fallback=True,
            )  # fmt: skip
            if done.returncode == 0:
                commit = git.out("rev-parse", "HEAD")
                return Candidate(commit, git.tree(commit), base, head, git.changed(base, commit))
            conflicts = tuple(git.lines("diff", "--name-only", "--diff-filter=U", "-z"))
            if not conflicts:
                said = (done.stderr or done.stdout).decode(errors="replace").strip()
                raise GitError(f"git merge: {said}")
        return Candidate(head, git.tree(head), base, head, git.changed(base, head), conflicts)

    @contextmanager
    def _slot(self) -> Iterator[Path]:
        """The folder of the first checkout nobody holds; ours until the block ends."""
        number = 1
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            while (lock := _lock(self._folder / f"{number}.lock")) is None:
                number += 1
        except OSError as error:
            raise CheckoutBroken(
                f"no checkout can be made in {self._folder}: {error.strerror}",
                hint="ORCHESTRATE_STATE, or XDG_CACHE_HOME, names the folder it is made below",
            ) from error
        try:
            yield self._folder / str(number)
        finally:
            os.close(lock)

    def _ready(self, path: Path, commit: str, keep: Sequence[str]) -> Path:
        """Bring the checkout to ``commit``, making it anew if that is what it takes."""
        private = self._private(path)
        if private is not None:
            try:
                _reset(path, private, commit, keep)
                return private
            except GitError:
                pass  # broken in a way we need not understand: it holds nothing of value
        try:
            self._make(path, commit)
        except (GitError, OSError) as error:
            raise CheckoutBroken(f"no checkout of {commit[:12]} could be made: {error}") from error
        private = self._private(path)
        if private is None:
            raise CheckoutBroken(f"the checkout {path} does not belong to this repository")
        return private

    def _make(self, path: Path, commit: str) -> None:
        _remove(path)
        git = Git(self._repository.common)
        git.run("worktree", "prune")
        git.run("worktree", "add", "--quiet", "--detach", "--force", "--force", str(path), commit)

    def _private(self, path: Path) -> Path | None:
        """The checkout's git folder if it is a worktree of this repository and of ``path``."""
        try:
            private = Path((path / ".git").read_text().removeprefix("gitdir:").strip())
            back = Path((private / "gitdir").read_text().strip())
            ours = private.parent.parent.samefile(self._repository.common)
            return private if ours and back.samefile(path / ".git") else None
        except (OSError, ValueError):
            return None


@lru_cache(maxsize=2)
def _entries(folder: Path, commit: str) -> tuple[tuple[str, str], ...]:
    """Mode and path of every file in a commit. Commits never change: git is asked once."""
    lines = Git(folder).lines("ls-tree", "-r", "-z", "--full-tree", commit)
    entries = (line.partition("\t") for line in lines)
    return tuple((told.partition(" ")[0], path) for told, _, path in entries)


def checkouts_folder(repository: Repository) -> Path:
    """Where a repository's checkouts are: the state folder, unless that is below a ``.git``.

    Tools take a path with ``.git`` in it for git's own and ignore the files
    (Jest finds no test there), so then it is the user's cache folder: cheap to
    lose, and a user's own. Where that cannot be written, the state folder.
    """
    state = Path(os.path.realpath(repository.state))
    if ".git" in state.parts:
        with contextlib.suppress(OSError, RuntimeError):  # not writable; or no home at all
            cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
            folder = cache / "orchestrate" / f"{repository.main.name}-{marker_key(state)}"
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return Path(os.path.realpath(folder))
    return state / "checkouts"


def _lock(path: Path) -> int | None:
    """An open, locked file, or None when somebody holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _reset(path: Path, private: Path, commit: str, keep: Sequence[str]) -> None:
    """Exactly ``commit`` in ``path``; of what git ignores or does not know, only ``keep``."""
    for stale in private.glob("*.lock"):
        stale.unlink()  # left by a killed git; nobody else works here, we hold the claim
    git = Git(path)
    if _head(private) != commit:
        # Not through HEAD: a check may have left a branch checked out, which must not move.
        git.run("update-ref", "--no-deref", "HEAD", commit)
    git.run("reset", "--hard", "--quiet")
    kept = [argument for name in keep for argument in ("-e", f"/{name.strip('/')}")]
    git.run("clean", "-ffdxq", *kept)


def _head(private: Path) -> str:
    """The commit a checkout is at; something else when it is on a branch, or broken."""
    try:
        return (private / "HEAD").read_text().removesuffix("\n")
    except (OSError, ValueError):
        return ""


def _remove(path: Path) -> None:
    """Remove whatever is there, also folders a test made read-only."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path, onerror=_force)


def _force(function: Callable[[str], object], name: str, _error: object) -> None:
    """Make the folder around ``name`` writable and try again."""
    for folder in (Path(name).parent, Path(name)):
        folder.chmod(folder.stat().st_mode | stat.S_IRWXU)
    if function is os.rmdir or function is os.unlink:
        function(name)
    else:
        shutil.rmtree(name)
