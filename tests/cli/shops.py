"""Commands typed in the worktrees of a shop."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.cli.main import run
from tests.engine.conftest import Shop

__all__ = ["Call", "call"]

#: A command line, and where: status, stdout, stderr.
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command line in the main worktree, or in that of ``at``: status, stdout, stderr."""

    def call(*arguments: str, at: str = "main") -> tuple[int, str, str]:
        monkeypatch.chdir(shop.main.parent / at)
        status = run(arguments)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call
