"""A session proves itself with a secret that only its user can read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from orchestrator.coordination.callers import authenticate, issue
from orchestrator.coordination.tokens import (
    BadSession,
    WrongToken,
    digest,
    forget_token,
    keep_token,
    new_token,
    read_token,
    session_of,
    sweep_tokens,
    verify_token,
)
from orchestrator.testing import MemoryStore
from tests.coordination.acting import add_instance, begin, kinds, row_of


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore()
    add_instance(made)
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_is_for_its_user_alone(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        path = keep_token(tmp_path / "state", "s-1", "secret")
    finally:
        os.umask(previous)
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert read_token(tmp_path / "state", "s-1") == "secret"
    assert [file.name for file in path.parent.iterdir()] == ["s-1"]


def test_a_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    (tmp_path / "tokens").mkdir(mode=0o755)
    assert mode(keep_token(tmp_path, "s-1", "secret").parent) == 0o700


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ".", "..", "-n", "é" * 200, 'a"b'])
def test_no_session_id_is_a_path(tmp_path: Path, name: str) -> None:
    path = keep_token(tmp_path, name, "secret")
    assert path.parent == tmp_path / "tokens" and path.is_file()
    assert read_token(tmp_path, name) == "secret"
    assert read_token(tmp_path, name + "x") is None


@pytest.mark.parametrize("name", ["a b", "a\nb", "\x1b[2J", "x" * 201])
def test_what_is_no_session_id_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSession):
        session_of({"ORCHESTRATE_SESSION": name}, tmp_path)


def test_the_clients_own_session_comes_first(tmp_path: Path) -> None:
    keep_token(tmp_path, "c-1", "from the file")
    names = {"CLAUDE_CODE_SESSION_ID": "c-1", "ORCHESTRATE_SESSION": "s-1"}
    assert session_of(names, tmp_path) == ("c-1", "from the file")
    assert session_of({**names, "ORCHESTRATE_TOKEN": "given"}, tmp_path) == ("c-1", "given")
    assert session_of({"ORCHESTRATE_SESSION": "s-1"}, tmp_path) == ("s-1", None)
    assert session_of({}, tmp_path) is None


def test_only_the_right_token_of_a_living_session_is_right(store: MemoryStore) -> None:
    token = new_token()
    begin(store, "s-1", token=digest(token))

    def right(given: str | None, session: str = "s-1") -> bool:
        return store.read(lambda reader: verify_token(reader, session, given))

    assert right(token)
    assert not (right("x") or right("") or right(None) or right(token, "s-2"))
    store.write(lambda tx: tx.update("sessions", {"id": "s-1"}, {"ended_at": 5}))
    assert not right(token)


def test_the_store_never_holds_the_token_itself(store: MemoryStore, tmp_path: Path) -> None:
    begin(store, "s-1", token=store.write(lambda tx: issue(tx, "s-1", tmp_path)))
    token = read_token(tmp_path, "s-1")
    assert token and row_of(store, "sessions", id="s-1")["token"] == digest(token) != token


def test_a_second_registration_keeps_the_token(store: MemoryStore, tmp_path: Path) -> None:
    begin(store, "s-1", token=store.write(lambda tx: issue(tx, "s-1", tmp_path)))
    assert store.write(lambda tx: issue(tx, "s-1", tmp_path)) is None


def test_a_wrong_token_is_refused_and_recorded(store: MemoryStore, tmp_path: Path) -> None:
    begin(store, "s-1", token=digest("right"))
    names = {"ORCHESTRATE_SESSION": "s-1", "ORCHESTRATE_TOKEN": "wrong"}
    with pytest.raises(WrongToken):
        authenticate(store, tmp_path, names)
    assert kinds(store) == ["session.start", "session.refused"]
    who = authenticate(store, tmp_path, {**names, "ORCHESTRATE_TOKEN": "right"})
    assert (who.actor, who.human, who.session) == ("backend", False, "s-1")


def test_a_lost_token_stops_everybody_but_the_registered_client(
    store: MemoryStore, tmp_path: Path
) -> None:
    begin(store, "s-1", token=digest("lost"))
    with pytest.raises(WrongToken):
        authenticate(store, tmp_path, {"ORCHESTRATE_SESSION": "s-1"})
    begin(store, "s-1", pid=os.getppid())
    assert authenticate(store, tmp_path, {"ORCHESTRATE_SESSION": "s-1"}).actor == "backend"


def test_an_unregistered_session_has_nothing_to_prove(store: MemoryStore, tmp_path: Path) -> None:
    who = authenticate(store, tmp_path, {"ORCHESTRATE_SESSION": "s-9"})
    assert (who.actor, who.human) == ("unregistered", False)


def test_tokens_of_ended_sessions_are_swept_away(tmp_path: Path) -> None:
    for name in ("s-1", "s-2", "a/b"):
        keep_token(tmp_path, name, "secret")
    assert sweep_tokens(tmp_path, ["a/b", "s-2"]) == 1
    assert (read_token(tmp_path, "s-1"), read_token(tmp_path, "a/b")) == (None, "secret")
    forget_token(tmp_path, "a/b")
    forget_token(tmp_path, "a/b")
    assert read_token(tmp_path, "a/b") is None
