"""Sets up a repository: looks at it, proposes, and writes what is not there yet.

The use case behind ``orchestrate init``. Prints nothing.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath

from orchestrator.config import presets
from orchestrator.config.load import PLACES
from orchestrator.config.presets.render import render
from orchestrator.errors import OrchestrateError
from orchestrator.git import Git, GitError, NotARepository, find
from orchestrator.scaffold.detect import Guess, guess_preset
from orchestrator.scaffold.files import NewFile, put
from orchestrator.scaffold.github import WORKFLOW, workflow
from orchestrator.scaffold.proposal import Proposal, project_name, propose
from orchestrator.scaffold.starter import STARTERS, text_of
from orchestrator.scaffold.tree import survey

__all__ = ["BadPlace", "SetUp", "set_up"]


class BadPlace(OrchestrateError):
    """The set-up cannot go there.

    ``--under`` takes a folder inside the repository, such as ``.orchestrate``,
    and a bare repository has no files to set up: run the command in a worktree
    of it.
    """

    code = "E153"


@dataclass(frozen=True, slots=True)
class SetUp:
    """What ``init`` did, or with a dry run would do.

    ``preset`` is None where nothing fitted or the configuration existed;
    ``reasons`` say why it was chosen; ``notes`` what else its owner must know;
    ``next`` are the commands to type now. Paths are relative to ``root``.
    """

    root: Path
    config: str
    preset: str | None
    reasons: tuple[str, ...]
    written: tuple[str, ...]
    kept: tuple[str, ...]
    notes: tuple[str, ...]
    next: tuple[str, ...]


def set_up(
    start: Path,
    *,
    preset: str | None = None,
    under: str = "",
    github: bool = False,
    dry_run: bool = False,
) -> SetUp:
    """Set up the repository around ``start``, or the folder itself outside of any.

    ``github`` adds a workflow for GitHub Actions.

    Raises ``UnknownPreset``, ``BadPlace`` and ``Cannot``; then nothing was written.
    """
    root, main = _root(start)
    prefix = _prefix(under or _known(root))
    chosen = presets.load(preset) if preset else None
    config = _config(prefix)
    notes: list[str] = []
    guess = Guess(None)
    if (root / config).is_file():
        files = list(_missing_starters(root / config, prefix))
        if chosen:
            notes.append(f"{config} is yours and stays as it is: a preset shapes only a new one")
    else:
        if prefix and (root / _config("")).is_file():
            notes.append(f"{_config('')} is there too, and is the one that is found first")
        proposal, guess = _propose(root, main, chosen, prefix, notes)
        files = [NewFile(config, render(proposal.draft)), *_starter_files(proposal.files, prefix)]
    if github:
        place = config if prefix not in ("", ".orchestrate/") else None
        files.append(workflow(_branch(main, []), place))
    outcome = put(root, [*files, *_folders(prefix)], dry_run=dry_run)
    notes += _notes(root, outcome.written)
    return SetUp(
        root, config, guess.preset, guess.reasons, outcome.written, outcome.kept, tuple(notes),
        tuple(_next(start, root, prefix, bool(outcome.written), github=github)),
    )  # fmt: skip


def _root(start: Path) -> tuple[Path, Path | None]:
    """The folder to write to, and the main worktree (None outside a repository)."""
    try:
        repository = find(start)
    except NotARepository:
        if (start / "HEAD").is_file() and (start / "objects").is_dir():
            raise BadPlace(
                f"{start} is a bare repository", hint="run this in a worktree of it"
            ) from None
        return start.absolute(), None
    return repository.worktree, repository.main


def _known(root: Path) -> str:
    """The folder an earlier ``--under .orchestrate`` used; a second set-up would win over it."""
    one, other = (root / place for place in PLACES)
    return other.parent.parent.name if other.is_file() and not one.is_file() else ""


def _prefix(under: str) -> str:
    """``""``, or the folder with ``/`` at its end."""
    path = PurePosixPath(under)
    parts = [part for part in path.parts if part != "."]
    wrong = path.is_absolute() or ".." in parts or ".git" in parts or not under.isprintable()
    if wrong or re.search(r"[*?\[\]{}]", under):
        raise BadPlace(
            f"--under {under}: not a plain folder inside the repository",
            hint="for example: orchestrate init --under .orchestrate",
        )
    return "/".join(parts) + "/" if parts else ""


def _propose(
    root: Path, main: Path | None, chosen: presets.Preset | None, prefix: str, notes: list[str]
) -> tuple[Proposal, Guess]:
    ours = [f"{prefix}{name}" for name in ("verification/", "status/", "plugins/example.py")]
    tree = survey(root, [*ours, prefix] if prefix else ours)
    guess = Guess(chosen.name, ()) if chosen else guess_preset(tree)
    preset = chosen or (presets.load(guess.preset) if guess.preset else None)
    proposal = propose(
        tree,
        preset,
        project=project_name((main or root).name),
        branch=_branch(main, notes),
        prefix=prefix,
        reasons=guess.reasons,
    )
    return proposal, guess


def _branch(main: Path | None, notes: list[str]) -> str:
    """The main worktree's branch: a linked worktree is on somebody's working branch."""
    if main is None:
        return "main"
    try:
        git = Git(main)
        branch = git.branch()
        if branch is None:
            known = [name for name in ("main", "master") if git.commit(f"refs/heads/{name}")]
            branch = known[0] if known else "main"
            notes.append(f"no branch is checked out; {branch} was taken as the integration branch")
        return branch
    except (GitError, OSError):
        return "main"


def _starter_files(names: tuple[str, ...], prefix: str) -> Iterator[NewFile]:
    for name in names:
        yield NewFile(f"{prefix}verification/{name}", text_of(name))


def _missing_starters(config: Path, prefix: str) -> Iterator[NewFile]:
    """Starter scripts that an existing configuration names, in case they are gone."""
    text = config.read_text(encoding="utf-8", errors="replace")
    used = [s for s in STARTERS.values() if f"verification/checks/{s.script}" in text]
    names = ["checks/checklib.py"] if used else []
    for starter in used:
        names += [f"checks/{starter.script}", *starter.inputs]
    yield from _starter_files(tuple(dict.fromkeys(names)), prefix)


def _folders(prefix: str) -> Iterator[NewFile]:
    """What every repository gets."""
    yield NewFile(f"{prefix}verification/README.md", text_of("readme/verification.md"))
    for name in ("contracts", "flows", "baselines"):
        yield NewFile(f"{prefix}verification/{name}/README.md", text_of(f"readme/{name}.md"))
    example = text_of("plugins/example.py").replace("{prefix}", prefix)
    yield NewFile(f"{prefix}plugins/example.py", example)
    yield NewFile(f"{prefix}status/.gitignore", text_of("readme/gitignore"))
    schema = resources.files("orchestrator").joinpath("status", "schema.json")
    if schema.is_file():
        yield NewFile(f"{prefix}status/schema.json", schema.read_text(encoding="utf-8"))


def _notes(root: Path, written: tuple[str, ...]) -> Iterator[str]:
    """What git has to say about it."""
    try:
        git = find(root).git
    except NotARepository:
        yield "this is no git repository yet: git init -b main && git add -A && git commit"
        return
    if git.commit("HEAD") is None:
        yield "this repository has no commit yet: commit before anybody starts to work"
    done = git.run("check-ignore", "-z", "--stdin", check=False,
                   stdin="\0".join(written).encode()) if written else None  # fmt: skip
    ignored = done.stdout.decode(errors="replace").split("\0") if done else []
    names = [name for name in ignored if name and "/status/" not in f"/{name}"]
    if names:
        yield f"ignored by .gitignore, so nobody else will see it: {', '.join(names[:5])}"


def _next(start: Path, root: Path, prefix: str, new: bool, *, github: bool) -> Iterator[str]:
    """The next commands, in order."""
    if start.absolute() != root:
        yield f"cd {shlex.quote(str(root))}"
    if prefix not in ("", ".orchestrate/"):
        yield f'export ORCHESTRATE_CONFIG="$PWD"/{shlex.quote(_config(prefix))}'
    yield "orchestrate config check"
    if new:
        places = shlex.quote(prefix) if prefix else "config verification plugins status"
        places += f" {WORKFLOW}" if github else ""
        yield f"git add {places} && git commit -m 'Coordinate with orchestrate'"
    yield "orchestrate verify --all"
    if not new:
        yield "orchestrate watch"


def _config(prefix: str) -> str:
    return f"{prefix}config/orchestrate.yaml"
