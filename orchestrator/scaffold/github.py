"""The workflow that ``init --github`` writes: what CI does with orchestrate."""

from __future__ import annotations

from orchestrator import __version__
from orchestrator.scaffold.files import NewFile
from orchestrator.scaffold.starter import text_of

__all__ = ["WORKFLOW", "workflow"]

#: Where GitHub looks for it.
WORKFLOW = ".github/workflows/orchestrate.yml"


def workflow(branch: str, config: str | None = None) -> NewFile:
    """The workflow for a repository that lands work on ``branch``.

    ``config`` is the configuration's path where it is in no usual place.
    """
    text = text_of("ci/github.yml")
    text = text.replace("{branch}", _quoted(branch))
    text = text.replace("{package}", f"handoff-orchestrator=={__version__}")
    place = f"      ORCHESTRATE_CONFIG: {_quoted(config)}\n" if config else ""
    return NewFile(WORKFLOW, text.replace("    steps:\n", f"{place}    steps:\n", 1))


def _quoted(text: str) -> str:
    """A YAML scalar that is this text, whatever is in it."""
    return "'" + text.replace("'", "''") + "'"
