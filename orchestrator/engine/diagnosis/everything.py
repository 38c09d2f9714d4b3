"""Every probe and mender the engine has, by area. Others bring their own."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.engine.diagnosis import configuration, git_hooks, machine, needs, store
from orchestrator.engine.diagnosis.finding import Finding, Mender, Probe, diagnosed, mended
from orchestrator.git import Repository

__all__ = ["diagnose", "mend"]

_PROBES: dict[str, Probe] = {
    "machine": machine.probe,
    "configuration": configuration.probe,
    "needs": needs.probe,
    "store": store.probe,
    "git": git_hooks.probe,
}
#: The store first: the others read it.
_MENDERS: dict[str, Mender] = {"store": store.mend, "git": git_hooks.mend}


def diagnose(repository: Repository, more: Mapping[str, Probe] | None = None) -> list[Finding]:
    """Probe everything; broken things do not stop the probes after them."""
    return diagnosed(repository, {**_PROBES, **(more or {})})


def mend(repository: Repository, more: Mapping[str, Mender] | None = None) -> list[str]:
    """Mend what can be mended safely; sentences that say what was done, none if nothing."""
    return mended(repository, {**_MENDERS, **(more or {})})
