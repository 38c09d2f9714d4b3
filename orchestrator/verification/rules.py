"""The rules in force for a run: the configuration and the plugins *of one commit*.

In a coordinated run that commit is the base's, so an author can change neither
the judge nor the law: local plugins are copied out of the commit into the
state folder and loaded from there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrator.config.model import Config
from orchestrator.errors import OrchestrateError
from orchestrator.git import Git, Repository

__all__ = ["NoRules", "Rules", "rules_at", "touches_policy"]


class NoRules(OrchestrateError):
    """There is no configuration in the commit whose rules should be in force.

    Happens when ``verify`` judges a commit, or compares with a base, that has
    no ``config/orchestrate.yaml``. Commit the configuration (``orchestrate
    init`` writes one), or choose a base that has it.
    """

    code = "E501"


@dataclass(frozen=True, slots=True)
class Rules:
    """``config`` and the folder its local plugins are loaded from.

    ``commit`` is where both were read, or None for a working tree. ``source``
    says in words whose rules these are: ``base`` or ``commit``.
    """

    config: Config
    commit: str | None
    folder: Path
    source: str = "base"
    kept: Path | None = None

    @property
    def state(self) -> Path:
        """The state folder; the rules' own is ``STATE/rules/COMMIT`` in it."""
        return self.kept or self.folder.parent.parent


def rules_at(
    repository: Repository, commit: str, source: str | None = None, *, origin: str = "base"
) -> Rules | None:
    """The rules as they are in ``commit``, or None when it has none.

    ``source`` is the configuration's path where it is not one of the usual
    ones; ``origin`` becomes ``Rules.source``. An absolute one is a file outside
    the repository, which decides itself; its plugins are the commit's. Raises
    ``InvalidConfig``.
    """
    from orchestrator.config.load import at, load
    from orchestrator.config.memory import Memory

    git, memory = Git(repository.worktree), Memory.of(repository.state, make=True)
    outside = source is not None and Path(source).is_absolute()
    config = load(Path(source)) if source and outside else at(git, commit, source, memory)
    if config is None:
        return None
    folder = _materialise(git, repository.state / "rules", commit, config.verification.plugins)
    return Rules(config, commit, folder, origin)


def touches_policy(config: Config, source: str, changed: Iterable[str]) -> tuple[str, ...]:
    """Which of the changed paths decide about others' work.

    The configuration (in each place where one would be found), the plugins it
    names, the check scripts ``init`` wrote, the baselines of benchmarks and the
    blessings of contracts. ``source`` is the configuration's path.
    """
    from orchestrator.config.load import PLACES

    project = PurePosixPath(source).parent.parent
    files = {source, *PLACES, *config.verification.plugins}
    folders = [str(project / "verification" / name) for name in ("baselines", "checks")]
    return tuple(
        path
        for path in changed
        if path in files or any(path == f or path.startswith(f"{f}/") for f in folders)
    )


def _materialise(git: Git, folder: Path, commit: str, plugins: tuple[str, ...]) -> Path:
    """``folder/commit`` with exactly the plugin files of that commit.

    Each file is compared and replaced whole, so that a half-written or changed
    one mends itself. A file the commit does not have is left out: loading the
    plugin says so.
    """
    final = folder / commit
    for name in plugins:
        path, content = final / name, git.show(commit, name)
        if content is None:
            path.unlink(missing_ok=True)
        elif not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.{os.getpid()}")
            beside.write_bytes(content)
            beside.replace(path)
    return final
