"""Configurations for tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.config.load import load_text
from orchestrator.config.problems import InvalidConfig, Problem

MINIMAL = """\
version: 1
project: shop
layers:
  data: {paths: ["src/data/**"]}
  service: {paths: ["src/service/**"], depends_on: [data]}
"""

#: Every key, most with other values than the defaults.
WHOLE = (Path(__file__).parent / "whole.yaml").read_text()


def problems(text: str | bytes, root: Path | None = None) -> list[Problem]:
    """Everything that is wrong with ``text``; at least one thing has to be."""
    with pytest.raises(InvalidConfig) as caught:
        load_text(text, source="config/orchestrate.yaml", root=root)
    return list(caught.value.problems)


def told(text: str | bytes, root: Path | None = None) -> str:
    """All problems as they are printed."""
    from orchestrator.config.problems import render

    return render("config/orchestrate.yaml", problems(text, root))


def one(text: str | bytes, root: Path | None = None) -> str:
    """The only problem, as it is printed, without the file's name."""
    found = problems(text, root)
    assert len(found) == 1, found
    return told(text, root).removeprefix("config/orchestrate.yaml:")
