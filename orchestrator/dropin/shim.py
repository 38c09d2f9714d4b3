"""Puts commands and library where scripts of the replaced system look for them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from orchestrator.errors import OrchestrateError

__all__ = ["ShimInTheWay", "install"]

#: Runs the command of the same name, which is never itself, also when its folder is on PATH.
_RUNNER = """\
#!/usr/bin/env bash
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
clean=
IFS=:
for folder in $PATH; do
  [ "$folder" -ef "$here" ] || clean="$clean${clean:+:}$folder"
done
PATH=$clean exec %s "$@"
"""

_INIT = """\
#!/usr/bin/env bash
# Registers this session; harmless twice.
top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
. "$top/coordination/lib/coordination.sh"
id=$(coord_register_instance "${1:-General development}" "${CLAUDE_SUBAGENT_ROLE:-main}") || exit
printf 'CLAUDE_INSTANCE_ID=%s\\n' "$id" > "$top/.instance_env"
"""


class ShimInTheWay(OrchestrateError):
    """A file is where the shim would go, and so is its kept copy.

    The first ``--shim`` keeps what it replaces as ``NAME.original``. Remove or
    move one of the two files and repeat the command.
    """

    code = "E391"


def install(folder: Path) -> list[Path]:
    """Write library, commands and the start script below ``folder`` (``.claude``); the paths.

    What is there already is kept beside as ``NAME.original``.
    """
    library = files("orchestrator.dropin").joinpath("coordination.sh").read_text()
    wanted = {"coordination/lib/coordination.sh": library}
    for name in ("coord-status", "coord-lock", "coord-decisions"):
        wanted[f"coordination/bin/{name}"] = _RUNNER % name
    wanted["hooks/lifecycle/coordination-init.sh"] = _INIT
    for name, text in wanted.items():
        _put(folder / name, text)
    return [folder / name for name in wanted]


def _put(path: Path, text: str) -> None:
    if path.exists() and path.read_text(errors="replace") != text:
        kept = path.with_name(f"{path.name}.original")
        if kept.exists():
            raise ShimInTheWay(where=str(path))
        path.rename(kept)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
