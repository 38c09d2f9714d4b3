"""Which machine measured. Samples are compared only within one run on one machine."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from orchestrator.plugins.spec import Json, dumps

__all__ = ["fingerprint", "identity"]


@functools.cache
def fingerprint() -> dict[str, Json]:
    """``cpu``, ``cores`` this process may use, ``platform`` and ``python``."""
    return {
        "cpu": _cpu(),
        "cores": _cores(),
        "platform": platform.platform(terse=True),
        "python": platform.python_version(),
    }


def identity(machine: Mapping[str, Json]) -> str:
    """12 hex digits, the same only for the same fingerprint."""
    told = dumps(dict(sorted(machine.items())))
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _cpu() -> str:
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() or platform.machine()
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    found = re.search(r"^(?:model name|Hardware|Processor)\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
