"""The machine: programs, what its kernel can do for us, the disk the store is on."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from orchestrator import descendants
from orchestrator.coordination.paths import folds_case
from orchestrator.engine.diagnosis.finding import Finding
from orchestrator.git import Repository
from orchestrator.store.driver import library
from orchestrator.store.place import kind_of_disk

__all__ = ["probe"]


def probe(repository: Repository) -> Iterator[Finding]:
    version = repository.git.out("version").split()[2]
    enough = tuple(int(part) for part in version.split(".")[:2]) >= (2, 38)
    hint = None if enough else "git 2.38 or newer is needed"
    yield Finding("git", "ok" if enough else "broken", version, hint)
    yield Finding("python", "ok", f"{sys.version.split()[0]}  {sys.executable}")
    sound, words = library()
    hint = None if sound else "use a Python that is linked with a newer SQLite"
    yield Finding("sqlite", "ok" if sound else "broken", words, hint)
    yield from _processes()
    yield from _disk(repository)


def _processes() -> Iterator[Finding]:
    if not Path("/proc/self/stat").exists():
        yield Finding("processes", "off", f"{platform.system()} has no /proc: a check's descendant "
                      "that leaves its session is not found, and ps is asked instead")  # fmt: skip
    elif not descendants.can_reap():
        yield Finding("processes", "off", "no sub-reaper here: strays of a check are found by "
                      "their marker, at the next run")  # fmt: skip
    else:
        yield Finding("processes", "ok", "every descendant of a check is found and ended")


def _disk(repository: Repository) -> Iterator[Finding]:
    kind = kind_of_disk(repository.state)
    words = f"{kind or 'of unknown kind'}: {repository.state}"
    yield Finding("disk of the store", "ok", words)
    if folds_case(str(repository.main)):
        yield Finding("names of files", "ok", "A and a are one file here, and one lease")
