"""Where git looks for hooks here, and what ours look like there.

Without ``core.hooksPath`` ours stand in the common folder, with the hook that was
there kept beside. Where it is set, or the folder belongs to a checkout, theirs stays
as it is: ours get a folder of their own that git is pointed to, and pass everything on.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

from orchestrator.git import Git, Repository

__all__ = [
    "CHECKED",
    "KEPT",
    "MARK",
    "PASSED_ON",
    "PREVIOUS",
    "Place",
    "hooks_path",
    "ours",
    "place",
    "text",
]

#: The hooks that check something.
CHECKED = ("pre-commit", "pre-merge-commit", "pre-push", "post-commit", "post-merge")
#: Those that a folder of ours only passes on. What a server's git runs is not among them:
#: some of those change what git does by being there.
PASSED_ON = (
    "applypatch-msg", "pre-applypatch", "post-applypatch", "prepare-commit-msg", "commit-msg",
    "pre-rebase", "post-checkout", "post-rewrite", "pre-auto-gc", "sendemail-validate",
)  # fmt: skip
#: The end of a kept hook's name, the words in every file of ours, and where git's
#: configuration keeps what ``core.hooksPath`` was: its scope and its value.
KEPT, MARK, PREVIOUS = (
    ".orchestrate-kept",
    "# orchestrate git hook ",
    "orchestrate.previousHooksPath",
)


@dataclass(frozen=True, slots=True)
class Place:
    """``folder`` holds our hooks. ``previous`` is the folder they pass on to, None: kept beside.

    ``scope`` is where ``core.hooksPath`` comes from (``local``, ``global``, …), None where it
    is not set; ``active`` whether git looks in ``folder`` now.
    """

    folder: Path
    previous: str | None
    scope: str | None
    value: str | None
    active: bool

    @property
    def beside(self) -> bool:
        return self.previous is None

    @property
    def names(self) -> tuple[str, ...]:
        return CHECKED if self.beside else (*CHECKED, *PASSED_ON)


def ours(repository: Repository) -> Path:
    """The folder of our own, where ``core.hooksPath`` has to point to it."""
    return repository.common / "orchestrator" / "hooks"


def hooks_path(folder: Path) -> tuple[str, str] | None:
    """Scope and value of ``core.hooksPath`` as it counts in a worktree for its user's git."""
    git = Git(folder, inherit=True)
    done = git.run("config", "--show-scope", "-z", "--get-all", "core.hooksPath", check=False)
    fields = done.stdout.decode(errors="surrogateescape").split("\0")
    pairs = [pair for pair in zip(fields[::2], fields[1::2], strict=False) if pair[0] != "command"]
    return pairs[-1] if pairs else None


def place(repository: Repository) -> Place:
    """Where our hooks belong, as things are now."""
    found, own = hooks_path(repository.worktree), ours(repository)
    usual = repository.common / "hooks"
    if found is not None and Path(found[1]) == own:
        kept = repository.git.run("config", "--get", PREVIOUS, check=False).stdout.decode()
        scope, _, value = kept.strip().partition(":")
        return Place(own, _expanded(value) or str(usual), scope or None, value or None, True)
    if found is not None:
        return Place(own, _expanded(found[1]), *found, False)
    if not usual.resolve().is_relative_to(repository.common.resolve()):
        return Place(own, str(usual), None, None, False)
    return Place(usual, None, None, None, True)


def _expanded(value: str) -> str:
    return str(Path(value).expanduser()) if value.startswith("~") else value


def text(place: Place, name: str) -> str:
    """What our hook ``name`` has to contain."""
    entry = Path(__file__).resolve().parents[2] / "hooks" / "git.py"
    kept = f'"${{0%/*}}"/{name}{KEPT}' if place.beside else shlex.quote(f"{place.previous}/{name}")
    whole = _file("stub.sh").replace("@FORWARD@\n", _file("forward.sh"))
    if name in PASSED_ON:
        head = whole[: whole.index("say()")]
        whole = f"{head}{_file('forward.sh')}"
    values = {
        "NAME": name,
        "PYTHON": shlex.quote(sys.executable),
        "ENTRY": shlex.quote(str(entry)),
        "KEPT": kept,
    }
    for key, value in values.items():
        whole = whole.replace(f"@{key}@", value)
    return whole


@lru_cache
def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
