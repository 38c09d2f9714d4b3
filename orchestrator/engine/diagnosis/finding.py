"""What a probe finds, and how probes are run so that a broken part hides no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from orchestrator.errors import OrchestrateError
from orchestrator.git import Repository

__all__ = ["Finding", "Mender", "Probe", "diagnosed", "mended"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``state`` is ok, off (a choice), or broken; ``hint`` the command or words that change it.

    ``area`` is the subject's heading; whoever runs the probes fills it in.
    """

    subject: str
    state: str
    message: str
    hint: str | None = None
    area: str = ""


#: Looks and changes nothing. May raise: then its subject is broken.
Probe = Callable[[Repository], Iterable[Finding]]
#: Mends what can be mended safely; sentences about what it changed, and what it could not.
Mender = Callable[[Repository], Iterable[str]]


def diagnosed(repository: Repository, probes: Mapping[str, Probe]) -> list[Finding]:
    """Run every probe, by area."""
    return [
        replace(finding, area=area)
        for area, probe in probes.items()
        for finding in _safely(area, probe, repository)
    ]


def _safely(area: str, probe: Probe, repository: Repository) -> Iterator[Finding]:
    try:
        yield from probe(repository)
    except OrchestrateError as error:
        yield Finding(area, "broken", f"{error.code} {error.message}", error.hint)
    except OSError as error:
        yield Finding(area, "broken", f"{error.filename}: {error.strerror}")


def mended(repository: Repository, menders: Mapping[str, Mender]) -> list[str]:
    """Run every mender; one that fails says so and stops no other."""
    said: list[str] = []
    for area, mender in menders.items():
        try:
            said += mender(repository)
        except OrchestrateError as error:
            said.append(f"{area}: not mended: {error.code} {error.message}")
            said += [f"{area}: {error.hint}"] if error.hint else []
        except OSError as error:
            said.append(f"{area}: not mended: {error.filename}: {error.strerror}")
    return said
