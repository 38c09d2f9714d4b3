"""The project of the how-to, as a reader would make it: it passes, and its fault is blamed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MakeRepo, commit
from tests.environments import ROOT

PAGE = (ROOT / "docs" / "how-to" / "check-a-flow.md").read_text()
BLOCKS = dict(re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', PAGE, re.DOTALL))
[CONFIG] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
FILES = {name: text for name, text in BLOCKS.items() if "/" in name}


def verify(repo: Path) -> tuple[int, dict[str, object]]:
    """The exit status, and the check of the flow in the report."""
    command = [sys.executable, "-m", "orchestrator", "verify", "--json"]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, timeout=120)
    report = json.loads(done.stdout)
    checks = report["results"]["dataFlowValidation"]["checks"]
    return done.returncode, next(c for c in checks if c["id"] == "dataflow/flow/order")["result"]


@pytest.mark.slow
def test_the_flow_passes_and_its_fault_is_blamed_as_told(make_repo: MakeRepo) -> None:
    repo = make_repo({**FILES, "config/orchestrate.yaml": CONFIG})
    status, check = verify(repo)
    assert (status, check["outcome"]) == (0, "passed"), check
    place = "        ORDERS[order"
    program = FILES["web/shop.py"].replace(place, BLOCKS["the fault"] + place, 1)
    commit(repo, {"web/shop.py": program})
    status, check = verify(repo)
    assert (status, check["outcome"]) == (1, "failed"), check
    assert BLOCKS["what it says"].strip() in json.dumps(check, ensure_ascii=False).replace(
        '\\"', '"'
    )
