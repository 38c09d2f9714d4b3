"""What hooks need besides their registration: a configuration, and a store that knows it."""

from __future__ import annotations

from pathlib import Path

from orchestrator.config.problems import MissingConfig
from orchestrator.engine.project import Project
from orchestrator.scaffold.init import SetUp, set_up

__all__ = ["prepare"]


def prepare(root: Path) -> SetUp | None:
    """Open the store of the repository around ``root``, so that hooks have one from the start.

    Where there is no configuration one is set up first; what was written is
    returned. Raises ``InvalidConfig`` where there is one that cannot be read.
    """
    try:
        Project.open(root).store.close()
    except MissingConfig:
        done = set_up(root)
        Project.open(root).store.close()
        return done
    return None
