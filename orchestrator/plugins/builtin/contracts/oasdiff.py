"""What ``oasdiff`` says beside, where its user has installed it: remarks, never a verdict."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orchestrator.plugins.spec import CheckContext, Finding, Json, Severity

__all__ = ["second_opinion"]

_SECONDS = 30.0
_MOST = 50


def second_opinion(old: Json, new: Json, context: CheckContext) -> Iterator[Finding]:
    """A notice for each breaking change the command reports; nothing where it is not installed."""
    program = shutil.which("oasdiff", path=context.environment.get("PATH"))
    if program is None:
        return
    folder = Path(tempfile.mkdtemp(dir=context.scratch))
    for name, document in (("old.json", old), ("new.json", new)):
        (folder / name).write_text(json.dumps(document))
    command = [program, "breaking", "-f", "json", str(folder / "old.json"),
               str(folder / "new.json")]  # fmt: skip
    ended = context.run(command, timeout=_SECONDS)
    try:
        said = json.loads(ended.stdout or "[]") if ended.status == "exited" else None
    except ValueError:
        said = None
    if not isinstance(said, list):
        yield _notice(f"oasdiff could not compare: {ended.output.strip()[-200:]}", {})
        return
    for one in said[:_MOST]:
        if isinstance(one, dict):
            where = f"{one.get('operation', '')} {one.get('path', '')}".strip()
            yield _notice(f"{where}: {one.get('text', one.get('id'))}", {"id": one.get("id")})


def _notice(message: str, evidence: dict[str, Json]) -> Finding:
    return Finding("openapi.oasdiff", Severity.NOTICE, f"oasdiff: {message}", evidence=evidence,
                   remedy="compare it with what is found here; it decides nothing")  # fmt: skip
