"""Environments of Python into which a test may install, without touching the one it runs in."""

from __future__ import annotations

import sysconfig
import venv
from pathlib import Path

__all__ = ["environment"]

ROOT = Path(__file__).parents[1]


def environment(place: Path) -> tuple[Path, Path]:
    """Make one that sees this repository and its dependencies; its Python, its site-packages."""
    venv.create(place, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(place)}))
    (packages / "here.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n")
    return place / "bin" / "python", packages
