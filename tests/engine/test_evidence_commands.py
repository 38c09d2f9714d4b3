"""``orchestrate evidence``: what is true holds, and whatever was altered is found out."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import run
from tests.conftest import commit, git
from tests.engine.conftest import Shop

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="no OpenSSH here")


@pytest.fixture
def landed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop whose first handoff landed; the current folder is its main worktree."""
    monkeypatch.chdir(shop.main)
    shop.hand_off({"src/app.txt": "better\n"})
    shop.watch()
    assert shop.row("handoffs", "H-1")["status"] == "landed"
    yield shop


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "id_ed25519"
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", str(path)]
    subprocess.run(make, check=True)
    return path


def verify(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str]]:
    """Exit status and, by what was looked at, its state."""
    capsys.readouterr()
    status = run(["evidence", "verify", *arguments, "--json"])
    value = json.loads(capsys.readouterr().out)
    return status, {point["what"]: point["state"] for point in value["points"]}


def test_the_evidence_of_a_handoff_and_of_its_run_holds(
    landed: Shop, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ((), ("H-1",), ("R-1",)):
        status, points = verify(*name, capsys=capsys)
        assert (status, set(points.values())) == (0, {"holds"})
    assert {"commit", "tree", "base", "head", "configuration", "record", "events"} <= set(points)
    file = tmp_path / "e.json"
    assert run(["evidence", "export", "H-1", "--output", str(file)]) == 0
    assert verify(str(file), capsys=capsys)[0] == 0
    assert run(["evidence", "show", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "1 passed" in shown and git(landed.main, "rev-parse", "main") in shown


def other(text: str) -> str:
    """The same with another first digit."""
    return ("0" if text[0] != "0" else "1") + text[1:]


def of(*path: str | int) -> Callable[[dict[str, Any]], None]:
    """Changes the text at a place of a statement."""

    def change(statement: dict[str, Any]) -> None:
        value: Any = statement
        for key in path[:-1]:
            value = value[key]
        old = value[path[-1]]
        value[path[-1]] = other(old) if isinstance(old, str) else not old

    return change


OURS = ("predicate", "orchestrate")
CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "tree": of("subject", 1, "digest", "gitTree"),
    "configuration": of("predicate", "policy", "digest", "sha256"),
    "plugin": of(*OURS, "plugins", "integrity"),
    "report": of(*OURS, "reportDigest", "sha256"),
    "outcome": of(*OURS, "checks", 0, "outcome"),
    "flaky": of(*OURS, "checks", 0, "flaky"),
    "result": of("predicate", "verificationResult"),
    "time": of("predicate", "timeVerified"),
    "rules from": lambda s: ours(s, policyFrom="commit"),
    "base": lambda s: ours(s, base=s["predicate"]["orchestrate"]["head"]),
    "head": lambda s: ours(s, head=s["predicate"]["orchestrate"]["base"]),
    "verdict": lambda s: ours(s, verdict="failed"),
}


def ours(statement: dict[str, Any], **values: str) -> None:
    statement["predicate"]["orchestrate"].update(values)


def test_whatever_is_altered_in_a_statement_is_found_out(
    landed: Shop, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(["evidence", "export", "--output", str(tmp_path / "e.json")])
    text = (tmp_path / "e.json").read_text()
    for name, change in CHANGES.items():
        statement = json.loads(text)
        change(statement)
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(statement))
        assert verify(str(file), capsys=capsys)[0] == 1, name
    statement = json.loads(text)
    statement["subject"][0]["digest"]["gitCommit"] = "0" * 40
    file.write_text(json.dumps(statement))
    status, points = verify(str(file), capsys=capsys)
    assert status == 1 and points["commit"] == "unknown"


def database(shop: Shop, statement: str) -> None:
    shop.project.store.close()
    with sqlite3.connect(shop.project.repository.state / "state.db") as connection:
        connection.execute(statement)


def test_a_report_altered_in_the_store_is_found_out_by_the_events(
    landed: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    database(
        landed, """UPDATE runs SET report = replace(report, '"flaky": false', '"flaky": true')"""
    )
    status, points = verify("R-1", capsys=capsys)
    assert (status, points["events"]) == (1, "altered")
    database(landed, """UPDATE events SET data = replace(data, '"report"', '"raport"')""")
    status, points = verify("R-1", capsys=capsys)
    assert (status, points["events"]) == (1, "altered")


def test_a_signature_counts_only_by_an_allowed_signer_over_the_very_statement(
    landed: Shop, key: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file, allowed = tmp_path / "signed.json", tmp_path / "allowed"
    assert run(["evidence", "export", "--sign", str(key), "--output", str(file)]) == 0
    status, points = verify(str(file), capsys=capsys)
    assert (status, points["signature"]) == (3, "unknown"), "nobody said who may sign"
    public = key.with_suffix(".pub").read_text()
    allowed.write_text(f'ada@example.org namespaces="orchestrate-evidence" {public}')
    signers = ("--allowed-signers", str(allowed))
    assert verify(str(file), *signers, capsys=capsys) == (0, {**points, "signature": "holds"})
    git(landed.main, "config", "gpg.ssh.allowedSignersFile", str(allowed))
    assert verify(str(file), capsys=capsys)[0] == 0
    allowed.write_text(f'ada@example.org namespaces="git" {public}')
    assert verify(str(file), *signers, capsys=capsys)[0] == 3, "allowed to sign other things only"
    envelope = json.loads(file.read_text())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement["predicate"]["timeVerified"] = "2020-01-01T00:00:00.000Z"
    envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    file.write_text(json.dumps(envelope))
    status, points = verify(str(file), *signers, capsys=capsys)
    assert (status, points["signature"]) == (1, "altered")


def test_the_key_and_the_signers_of_the_configuration_are_used(
    landed: Shop, key: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = (landed.main / "config/orchestrate.yaml").read_text()
    public = key.with_suffix(".pub").read_text()
    text += "evidence: {sign_with: git, allowed_signers: config/who}\n"
    who = f"ada@example.org {public}"
    commit(landed.main, {"config/orchestrate.yaml": text, "config/who": who})
    capsys.readouterr()
    assert run(["evidence", "export", "R-1"]) == 2
    assert "E444 git does not sign with an SSH key here" in capsys.readouterr().err
    git(landed.main, "config", "gpg.format", "ssh")
    git(landed.main, "config", "user.signingKey", str(key))
    assert run(["evidence", "export", "R-1", "--output", str(tmp_path / "e")]) == 0
    (landed.main / "config/who").write_text("nobody\n")
    assert verify(str(tmp_path / "e"), capsys=capsys)[0] == 0, "the branch's file counts"


def test_what_cannot_be_told_is_no_yes(
    landed: Shop,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run(["evidence", "export", "--output", str(tmp_path / "e.json")])
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(landed.main), str(clone))
    monkeypatch.chdir(clone)
    status, points = verify(str(tmp_path / "e.json"), capsys=capsys)
    assert (status, points["tree"], points["record"]) == (3, "holds", "unknown")
    assert not (clone / ".git/orchestrator/state.db").exists(), "a question makes no store"
    for text in ("{", "[]", "{}", '{"payloadType": "x"}', json.dumps({"_type": "y"})):
        (tmp_path / "no.json").write_text(text)
        assert run(["evidence", "verify", str(tmp_path / "no.json")]) == 2
        assert "E442" in capsys.readouterr().err
    assert run(["evidence", "show", "R-99"]) == 2
    assert "E443" in capsys.readouterr().err


def test_a_run_without_a_coordinator_leaves_evidence_too(
    landed: Shop, key: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "local.json"
    assert run(["verify", "--report", "intoto", "--output", str(file)]) == 0
    status, points = verify(str(file), capsys=capsys)
    assert status == 3 and {k for k, v in points.items() if v != "holds"} == {"record"}
    signed, allowed = tmp_path / "signed.json", tmp_path / "allowed"
    allowed.write_text(f"ci@example.org {key.with_suffix('.pub').read_text()}")
    export = ["evidence", "export", str(file), "--sign", str(key), "--output", str(signed)]
    assert run(export) == 0
    assert verify(str(signed), capsys=capsys)[0] == 3
    signers = ("--allowed-signers", str(allowed))
    assert verify(str(signed), *signers, capsys=capsys)[0] == 0, "whoever may sign vouches for it"
