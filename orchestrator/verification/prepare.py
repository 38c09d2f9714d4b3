"""Makes a checkout usable: runs each ``prepare`` step whose files changed since it last ran there.

What was prepared is noted in the checkout's own git folder, out of the
candidate's reach, and only trusted while the kept paths are still there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from orchestrator.config.model import Prepare
from orchestrator.plugins.spec import CommandResult, Json
from orchestrator.verification.checkout import Checkout

__all__ = ["RunCommand", "prepare"]

#: Runs a command line: command, folder, environment, timeout in seconds.
RunCommand = Callable[[str, str, Mapping[str, str], float], CommandResult]

_SHOWN = 1500
#: Beside the steps' commands in the note: the kept paths there were. No command is empty.
_PRESENT = ""


def prepare(
    checkout: Checkout,
    steps: Sequence[Prepare],
    keep: Sequence[str],
    environment: Callable[[], Mapping[str, str]],
    run: RunCommand,
) -> str | None:
    """Run the steps that are due; None, or why the checkout is not usable.

    ``environment`` is asked again before each step: one may make the ``.venv``
    whose commands the next one needs.
    """
    stamp = checkout.private / "orchestrate-prepared.json"
    done = _read(stamp)
    for step in steps:
        key = _key(checkout, step)
        if _still_done(step, key, done, _present(checkout.path, keep)):
            continue
        # Until it has succeeded nothing is known about this checkout: a step may
        # have undone what an earlier one did.
        stamp.unlink(missing_ok=True)
        ended = run(step.run, str(checkout.path), environment(), step.timeout)
        if not ended.ok:
            return _reason(step, ended)
        done[step.run] = key
        done[_PRESENT] = _present(checkout.path, keep)
        stamp.write_text(json.dumps(done))
    return None


def _still_done(step: Prepare, key: str, done: Mapping[str, Json], present: list[str]) -> bool:
    """True when this very step was the last of its kind here and its work is still there."""
    unchanged = bool(step.when_changed) and done.get(step.run) == key
    return unchanged and bool(present) and done.get(_PRESENT) == present


def _key(checkout: Checkout, step: Prepare) -> str:
    """Changes when the content of one of the step's files does."""
    listed = checkout.git.out("ls-files", "-s", "--", *step.when_changed)
    return hashlib.sha256(listed.encode()).hexdigest()


def _present(folder: Path, keep: Sequence[str]) -> list[str]:
    """The kept paths that are there: without them the step's work is gone."""
    return sorted(name for name in keep if (folder / name).exists())


def _read(stamp: Path) -> dict[str, Json]:
    try:
        value = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _reason(step: Prepare, ended: CommandResult) -> str:
    how = {
        "timeout": f"did not end within {step.timeout:g} s",
        "missing": "could not be started",
        "signalled": f"was killed by signal {ended.code}",
    }.get(ended.status, f"exited with status {ended.code}")
    said = ended.output.strip()[-_SHOWN:]
    return f"the prepare step {step.run!r} {how}" + (f":\n{said}" if said else "")
