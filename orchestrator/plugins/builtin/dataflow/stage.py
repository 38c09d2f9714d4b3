"""Where a flow plays: its checkout, the ports of its services, and what stands for them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.config.addresses import filled
from orchestrator.plugins.spec import CheckContext, CommandResult

__all__ = ["Stage"]

_ODD = re.compile(r"[^A-Za-z0-9]")


@dataclass(slots=True)
class Stage:
    """One flow's surroundings. ``ports`` grows as services are started.

    ``folder`` is the flow's own, for payloads and spans; gone after the run.
    """

    context: CheckContext
    folder: Path
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def spans(self) -> Path:
        """The file spans are written to where the flow names none."""
        return self.folder / "spans.jsonl"

    def fill(self, text: str, *, quoted: bool = True) -> str:
        """``text`` with ports and addresses in it, and the file for spans.

        ``quoted`` for a command: the file's path becomes one word of the shell.
        """
        spans = shlex.quote(str(self.spans)) if quoted else str(self.spans)
        return filled(text, self._value).replace("{spans}", spans)

    def environment(self) -> dict[str, str]:
        """The same for programs that read variables: ``ORDERS_PORT``, ``ORDERS_URL``."""
        found = {"ORCHESTRATE_SPANS": str(self.spans)}
        for name, port in self.ports.items():
            word = _ODD.sub("_", name).upper()
            found |= {f"{word}_PORT": str(port), f"{word}_URL": _url(port)}
        return found

    def run(
        self,
        command: str,
        *,
        timeout: float,
        stdin: bytes | None = None,
        extra: Mapping[str, str] | None = None,
        stop: int | None = None,
    ) -> CommandResult:
        """Run a command whose placeholders are filled already, in the flow's environment."""
        variables = {**self.environment(), **(extra or {})}
        return self.context.run(command, timeout=timeout, stdin=stdin, extra=variables, stop=stop)

    def _value(self, name: str, key: str) -> str | None:
        port = self.ports.get(name)
        if port is None:
            return None
        return str(port) if key == "port" else _url(port)


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"
