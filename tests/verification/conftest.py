"""A repository to verify in."""

from __future__ import annotations

import pytest

from tests.conftest import MakeRepo
from tests.verification.world import World


@pytest.fixture
def world(make_repo: MakeRepo) -> World:
    return World(make_repo({"README.md": "sample\n"}))
