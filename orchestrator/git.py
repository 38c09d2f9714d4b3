"""Git, called carefully: our own calls run no hooks and no user configuration decides them.

``find`` answers without starting git, by reading ``.git`` and ``commondir``.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import OrchestrateError

__all__ = ["Git", "GitError", "NotARepository", "Repository", "find"]


class GitError(OrchestrateError):
    """Git refused.

    Happens when a git command ends with an error; the message is what git
    said. Run that command yourself in the folder to see more.
    """

    code = "E401"


class NotARepository(OrchestrateError):
    """This is not inside a git repository.

    Happens when a command that needs a repository is started outside one.
    Change into the repository, or make one: ``git init && git commit``.
    """

    code = "E402"


@dataclass(frozen=True, slots=True)
class Repository:
    """Where a repository's parts are; all paths absolute.

    ``worktree`` is the checkout that was asked from, ``main`` the main
    worktree, ``common`` the git folder every worktree shares. ``state`` is
    where orchestrate keeps its own things.
    """

    worktree: Path
    main: Path
    common: Path

    @property
    def state(self) -> Path:
        override = os.environ.get("ORCHESTRATE_STATE")
        return Path(override).absolute() if override else self.common / "orchestrator"

    @property
    def git(self) -> Git:
        return Git(self.worktree)


def find(start: Path | str | None = None) -> Repository:
    """The repository around ``start`` (default: the working directory), or ``NotARepository``."""
    here = Path(start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        marker = folder / ".git"
        if marker.is_dir():
            return Repository(folder, folder, marker)
        if marker.is_file():
            return _linked(folder, marker)
    raise NotARepository(
        f"{here} is not inside a git repository",
        hint="run this inside a repository, or make one: git init && git commit",
    )


def _linked(folder: Path, marker: Path) -> Repository:
    """A linked worktree: ``.git`` is a file that names its private git folder."""
    private = folder / marker.read_text().removeprefix("gitdir:").strip()
    shared = private / "commondir"
    common = (private / shared.read_text().strip()).resolve() if shared.is_file() else private
    main = common.parent if common.name == ".git" else folder
    return Repository(folder, main, common)


#: Configuration of every call: no hooks, no signing, no colours, no surprises.
_SEALED = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "commit.gpgSign=false",
    "-c", "core.quotePath=false",
    "-c", "core.fsmonitor=false",
    "-c", "merge.verifySignatures=false",
    "-c", "rerere.enabled=false",
    "-c", "gc.auto=0",
    "-c", "advice.detachedHead=false",
)  # fmt: skip

_IDENTITY = {"NAME": "orchestrate", "EMAIL": "orchestrate@localhost"}


@dataclass(frozen=True, slots=True)
class Git:
    """Git in one folder. Every method raises ``GitError`` when git refuses.

    ``inherit`` keeps the caller's ``GIT_*`` variables: inside a hook they say which
    index is about to be committed.
    """

    folder: Path
    inherit: bool = False

    def run(
        self,
        *arguments: str,
        check: bool = True,
        stdin: bytes | None = None,
        fallback: bool = False,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git, without the caller's ``GIT_*`` variables unless they are inherited.

        ``fallback`` supplies a committer where none is configured.
        """
        kept = os.environ.items()
        environment = {k: v for k, v in kept if self.inherit or not k.startswith("GIT_")}
        environment |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
        if fallback and not self._has_identity():
            for role in ("AUTHOR", "COMMITTER"):
                environment |= {f"GIT_{role}_{k}": v for k, v in _IDENTITY.items()}
        done = subprocess.run(
            ["git", *_SEALED, *arguments],
            cwd=self.folder,
            env=environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
        )
        if check and done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"
            raise GitError(f"git {arguments[0]}: {said}")
        return done

    def _has_identity(self) -> bool:
        names = ("user.name", "user.email")
        return all(self.run("config", name, check=False).returncode == 0 for name in names)

    def out(self, *arguments: str) -> str:
        """What git printed, without the last newline."""
        return self.run(*arguments).stdout.decode(errors="surrogateescape").rstrip("\n")

    def lines(self, *arguments: str) -> list[str]:
        """NUL-separated output (pass ``-z``) as a list."""
        printed = self.run(*arguments).stdout.decode(errors="surrogateescape")
        return [line for line in printed.split("\0") if line]

    def commit(self, ref: str) -> str | None:
        """The full id of the commit ``ref`` names, or None."""
        done = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}",
                        check=False)  # fmt: skip
        return done.stdout.decode().strip() or None if done.returncode == 0 else None

    def commit_and_tree(self, ref: str) -> tuple[str, str] | None:
        """The full ids of the commit ``ref`` names and of its tree, or None; starts git once."""
        if "\n" in ref:
            return None
        asked = f"{ref}^{{commit}}\n".encode(errors="surrogateescape")
        told, _, content = self.run("cat-file", "--batch", stdin=asked).stdout.partition(b"\n")
        words = told.decode(errors="replace").split(" ")
        tree = content.partition(b"\n")[0].decode(errors="replace").removeprefix("tree ")
        return (words[0], tree) if words[1:2] == ["commit"] else None

    def tree(self, commit: str) -> str:
        """The id of a commit's tree."""
        return self.out("rev-parse", "--verify", f"{commit}^{{tree}}")

    def show(self, commit: str, path: str) -> bytes | None:
        """A file's content at a commit, or None where it is not there."""
        done = self.run("cat-file", "blob", f"{commit}:{path}", check=False)
        return done.stdout if done.returncode == 0 else None

    def changed(self, base: str, commit: str) -> tuple[str, ...]:
        """Paths that differ between two commits; a rename gives both names."""
        return tuple(self.lines("diff", "--name-only", "--no-renames", "-z", base, commit))

    def merge_base(self, one: str, other: str) -> str | None:
        done = self.run("merge-base", one, other, check=False)
        return done.stdout.decode().strip() or None if done.returncode == 0 else None

    def is_ancestor(self, ancestor: str, commit: str) -> bool:
        """True when ``ancestor`` is reachable from ``commit`` (or is it)."""
        return (
            self.run("merge-base", "--is-ancestor", ancestor, commit, check=False).returncode == 0
        )

    def point(self, ref: str, new: str, old: str | None = None) -> bool:
        """Set ``ref`` to ``new`` if it still is ``old`` (None: whatever it is)."""
        done = self.run("update-ref", ref, new, *([old] if old else []), check=False)
        return done.returncode == 0

    def worktrees(self) -> list[dict[str, str]]:
        """Every worktree: ``path``, ``HEAD``, ``branch`` (full ref) or ``detached``."""
        found: list[dict[str, str]] = []
        for line in self.lines("worktree", "list", "--porcelain", "-z"):
            key, _, value = line.partition(" ")
            if key == "worktree":
                found.append({"path": value})
            elif found:
                found[-1][key] = value
        return found

    def branch(self) -> str | None:
        """The short name of the branch checked out here, or None when detached."""
        done = self.run("symbolic-ref", "--quiet", "--short", "HEAD", check=False)
        return done.stdout.decode().strip() or None
