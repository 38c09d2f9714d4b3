"""How instances work together: who there is, and how clients, git and scripts are served."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Coordinator", "GitHooks", "Hooks", "Instance", "Status", "Views"]


@dataclass(frozen=True, slots=True)
class Coordinator:
    """Who coordinates, how often everything is looked at, and what lands where.

    ``transfer`` is ``merge`` (the only way today). ``push`` names a remote, or
    None: nothing is ever fetched or pushed.
    """

    instance: str = "coordinator"
    monitoring_interval: float = 30.0
    integration_branch: str = "main"
    transfer: str = "merge"
    push: str | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """One named instance. ``requires`` are the families its work must pass.

    ``worktree`` is relative to the main worktree (``../shop-backend``).
    """

    id: str
    role: str
    specializations: tuple[str, ...] = ()
    file_patterns: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    requires: tuple[str, ...] = ("integrity", "contracts", "dataflow", "benchmarks")
    hands_off_to: str | None = None
    worktree: str | None = None
    branch: str | None = None
    priority: int = 0
    expertise: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Views:
    """Which files for scripts of the replaced systems are written; paths in ``status.views``."""

    work_registry: bool = False
    locks: bool = False
    decision_log: bool = False
    heartbeats: bool = False
    instance_registry: bool = False
    task_queue: bool = False
    communication_log: bool = False
    decisions: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """What is written beside the status document."""

    views: Views = field(default_factory=Views)


@dataclass(frozen=True, slots=True)
class GitHooks:
    """How the hooks in git behave.

    ``humans``: ``warn`` tells a human and goes on, ``refuse`` stops them like an
    instance. ``protect``: the integration branch takes no direct commits of instances.
    """

    humans: str = "warn"
    protect: bool = True
    verify_on_push: bool = False


@dataclass(frozen=True, slots=True)
class Hooks:
    """How the hooks in the client behave.

    ``release``: a lease taken by an edit lives until the ``handoff`` or only
    while the tool runs (``after_tool``). ``on_failure``: what becomes of an edit
    nobody could decide about, ``refuse`` or ``warn``.
    """

    release: str = "handoff"
    on_failure: str = "refuse"
