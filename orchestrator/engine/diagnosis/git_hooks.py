"""Our hooks in git, and the check in CI: the layers below the client's own hooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestrator.config.load import in_force
from orchestrator.engine.diagnosis.finding import Finding
from orchestrator.engine.git_hooks.install import install
from orchestrator.engine.git_hooks.state import State, state
from orchestrator.engine.project import Project, setting
from orchestrator.errors import OrchestrateError
from orchestrator.git import Repository
from orchestrator.store.sqlite import FILE, open_store

__all__ = ["mend", "probe"]

_INSTALL = "orchestrate githooks install"
#: Where the services of the trade keep what they run, by their documentation.
_CI = (
    ".github/workflows/*.y*ml", ".gitlab-ci.yml", ".circleci/config.yml", "azure-pipelines.yml",
    "bitbucket-pipelines.yml", ".buildkite/*.y*ml", ".woodpecker/*.y*ml", ".woodpecker.yml",
    ".forgejo/workflows/*.y*ml", ".gitea/workflows/*.y*ml", "Jenkinsfile", ".travis.yml",
    ".drone.yml", ".ci/*",
)  # fmt: skip
_LARGEST = 1 << 20


def probe(repository: Repository) -> Iterator[Finding]:
    found = state(repository)
    yield _hooks(found, _wanted(repository))
    then = [f"{hook.name} → {hook.then}" for hook in found.hooks if hook.then]
    if found.installed and then:
        yield Finding("hooks after ours", "ok", "; ".join(then))
    if found.installed:
        yield from _settings(repository)
    yield _ci(repository.worktree)


def _hooks(found: State, wanted: bool) -> Finding:
    place = found.place
    if found.overridden or (wanted and not place.active):
        words = f"git looks elsewhere: core.hooksPath is {place.value} ({place.scope})"
        return Finding("git hooks", "broken", words, _INSTALL)
    if found.installed and not found.broken:
        return Finding("git hooks", "ok", f"{len(found.hooks)} in {place.folder}")
    if found.installed or wanted:
        words = ", ".join(f"{hook.name} is {hook.state}" for hook in found.broken)
        return Finding("git hooks", "broken", words, _INSTALL)
    return Finding("git hooks", "off", "git commits and pushes without asking", _INSTALL)


def _wanted(repository: Repository) -> bool:
    """Somebody installed them and did not take them out. A store that cannot tell says no."""
    if not (repository.state / FILE).is_file():
        return False
    try:
        store = open_store(repository.state)
        try:
            return bool(store.read(lambda reader: setting(reader, "git_hooks")))
        finally:
            store.close()
    except OrchestrateError:
        return False


def _settings(repository: Repository) -> Iterator[Finding]:
    hooks = in_force(repository).git_hooks
    how = "git_hooks: {verify_on_push: true}"
    words = "verified before they leave" if hooks.verify_on_push else "not verified"
    yield Finding("pushes", "ok" if hooks.verify_on_push else "off", words,
                  None if hooks.verify_on_push else how)  # fmt: skip
    if not hooks.protect:
        words = "instances may commit to the integration branch"
        yield Finding("protection", "off", words, "git_hooks: {protect: true}")


def _ci(worktree: Path) -> Finding:
    files = [path for pattern in _CI for path in sorted(worktree.glob(pattern)) if path.is_file()]
    ours = [path.relative_to(worktree).as_posix() for path in files if _runs_us(path)]
    if ours:
        return Finding("CI", "ok", f"runs orchestrate: {', '.join(ours)}")
    words = "no workflow here runs orchestrate" if files else "no workflow was found here"
    return Finding("CI", "off", words, "have it run: orchestrate verify --since origin/main")


def _runs_us(path: Path) -> bool:
    try:
        return path.stat().st_size < _LARGEST and b"orchestrate verify" in path.read_bytes()
    except OSError:
        return False


def mend(repository: Repository) -> list[str]:
    """Put our own hooks right where somebody installed them; never install what was not there."""
    found = state(repository)
    there = found.installed or found.overridden or _wanted(repository)
    if not there or (found.installed and not found.broken):
        return []
    project = Project.open(repository.worktree)
    try:
        return install(project)
    finally:
        project.store.close()
