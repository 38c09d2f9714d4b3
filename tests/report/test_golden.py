"""Every form of a report, whole, as people and CI get it."""

from __future__ import annotations

import pytest

from tests.report.golden import FOLDER, outputs


@pytest.fixture(scope="module")
def rendered() -> dict[str, str]:
    return outputs()


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_a_report_looks_exactly_as_kept(name: str, rendered: dict[str, str]) -> None:
    assert rendered[name] == (FOLDER / name).read_text(), (
        "look at the difference; if it is meant: python -m tests.report.golden"
    )


def test_every_form_is_kept(rendered: dict[str, str]) -> None:
    assert rendered.keys() == {path.name for path in FOLDER.iterdir()}
