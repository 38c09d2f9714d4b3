"""The configuration files of the other clients: written as documented, and left as they were."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import run
from orchestrator.hooks import registration
from orchestrator.hooks.clients import CLIENTS, Client
from orchestrator.hooks.settings import enter, hooks_in, leave
from tests.conftest import MakeRepo
from tests.hooks.test_entering import CONFIG, everything

OTHERS = [client for name, client in CLIENTS.items() if name != "claude-code"]
BEFORE = {
    "codex": '{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}}',
    "gemini": '{\n\t"general": {},\n\t"hooks": {}\n}\n',
    "cursor": '{\n  "version": 1,\n  "hooks": {"stop": [{"command": "./x.sh"}]}\n}\n',
    "copilot": '{"version": 1, "hooks": {}}\n',
}


def entered(client: Client, text: str) -> str:
    return enter(
        text, client.hooks, client.write, "f", grouped=client.grouped, version=client.version
    )


@pytest.mark.parametrize("client", OTHERS, ids=lambda c: c.name)
def test_what_was_there_comes_back_byte_for_byte(client: Client) -> None:
    for text in ("", BEFORE[client.name]):
        once = entered(client, text)
        assert len(hooks_in(once)) == len(client.hooks)
        assert entered(client, once) == once
        assert (leave(once, "f") or "") == text


@pytest.mark.parametrize("client", OTHERS, ids=lambda c: c.name)
def test_an_older_edition_is_rewritten(client: Client) -> None:
    once = entered(client, BEFORE[client.name])
    old = once.replace(str(registration.package()), "/old/orchestrator")
    assert old != once and entered(client, old) == once


@pytest.mark.parametrize("client", OTHERS, ids=lambda c: c.name)
def test_its_files_come_and_go(
    client: Client,
    make_repo: MakeRepo,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    repo = make_repo({"config/orchestrate.yaml": CONFIG})
    monkeypatch.chdir(repo)
    before = everything(repo)
    assert run(["init", f"--{client.name}"]) == 0
    assert f"active: {len(client.hooks)} of {len(client.hooks)} hooks" in capsys.readouterr().out
    golden = Path(__file__).parent / "golden" / f"{client.name}.json"
    text = (repo / client.settings["project"]).read_text()
    text = text.replace(registration.interpreter(), "/usr/bin/python3")
    text = text.replace(str(registration.package()), "/lib/orchestrator")
    assert hooks_in(text) == hooks_in(golden.read_text())
    assert run(["init", f"--{client.name}", "--remove"]) == 0
    assert everything(repo) == before


def handlers(name: str) -> dict[str, list[dict[str, Any]]]:
    """Event → handlers, in a file that was made for them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for event, groups in json.loads(entered(CLIENTS[name], ""))["hooks"].items():
        found[event] = [h for group in groups for h in group.get("hooks", [group])]
    return found


def test_gemini_counts_in_milliseconds() -> None:
    assert {h["timeout"] for hs in handlers("gemini").values() for h in hs} == {5000, 10000, 15000}


def test_the_guard_of_cursor_refuses_where_it_cannot_answer_and_nothing_else_does() -> None:
    closed = [h for hs in handlers("cursor").values() for h in hs if h.get("failClosed")]
    assert [h["matcher"].split("|")[0] for h in closed] == ["Write"]


def test_copilot_is_asked_for_what_claude_code_would_send() -> None:
    assert all(event[0].isupper() for event in handlers("copilot"))
    assert all(
        "bash" not in h and Path(h["exec"]).is_absolute() for h in handlers("copilot")["Stop"]
    )


@pytest.mark.parametrize("name", ["codex", "gemini", "cursor"])
def test_a_line_for_the_shell_survives_blanks_in_paths(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.hooks.tables.package", lambda: Path("/my lib/orchestrator"))
    (handler,) = handlers(name)[CLIENTS[name].hooks[0].event]
    assert shlex.split(handler["command"])[3:] == ["/my lib/orchestrator/hooks/entry.py", name]
    assert registration.is_ours(handler)


def test_the_paragraph_stays_while_another_client_is_entered(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make_repo({"config/orchestrate.yaml": CONFIG})
    monkeypatch.chdir(repo)
    assert run(["init", "--claude-code", "--codex"]) == 0
    assert run(["init", "--claude-code", "--remove"]) == 0
    assert (repo / "AGENTS.md").exists()
    assert run(["init", "--codex", "--remove"]) == 0
    assert not (repo / "AGENTS.md").exists()


def test_a_client_without_such_a_file_says_so(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(make_repo({"config/orchestrate.yaml": CONFIG}))
    assert run(["init", "--codex", "--local"]) == 2
    assert "E733 Codex has no settings for --local" in capsys.readouterr().err
