"""``orchestrate contract``: what its user sees, and what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.coordination.callers import Caller
from orchestrator.engine import blessing
from orchestrator.engine.notes import FIELDS
from orchestrator.engine.project import Project
from tests.cli.shops import Call, call
from tests.conftest import commit, git
from tests.engine.conftest import CONFIG, Shop, shop

__all__ = ["call", "shop"]

PATH = "src/order.json"
BLESSINGS = "verification/baselines/contracts/order.json"


def order(*ways: str, version: int = 7) -> str:
    draft = f"http://json-schema.org/draft-0{version}/schema#"
    return json.dumps({"$schema": draft, "properties": {"pay": {"enum": list(ways)}}}, indent=1)


@pytest.fixture
def ordered(shop: Shop) -> Shop:
    """A shop with a contract ``order`` that two versions are kept of."""
    entry = f"contracts:\n  order: {{kind: json-schema, path: {PATH}}}\n"
    config = {"config/orchestrate.yaml": CONFIG + entry}
    commit(shop.main, {**config, PATH: order("card", "cash", "cheque")}, "first order")
    commit(shop.main, {PATH: order("card", "cash")}, "no cheques")
    return shop


def test_diff_names_what_is_lost_where_and_why(ordered: Shop, call: Call) -> None:
    (ordered.main / PATH).write_text(order("card"))
    status, printed, _ = call("contract", "diff", f"main:{PATH}", PATH)
    assert status == 1
    assert printed == (
        'breaking  $.pay no longer accepts "cash"\n'
        "    src/order.json:4 /properties/pay  schema.lost-values\n"
        '    counterexample: { "pay": "cash" }\n'
        '    lost set: { "enum": [ "cash" ] }\n'
        '    → accept "cash" again, beside what is new; remove it only when nobody sends it any '
        "more\n"
        "✗ breaking: main:src/order.json → src/order.json  (kind json-schema, compatibility "
        "backward, direction both, content_model closed)\n"
    )
    assert call("contract", "diff", PATH, "main")[0] == 0
    assert call("contract", "diff", "main", PATH, "--direction", "output")[0] == 0
    assert call("contract", "diff", "main", PATH, "--mode", "none")[0] == 0
    status, printed, _ = call("contract", "diff", "main~1", "main", "--contract", "order", "--json")
    assert status == 1
    assert json.loads(printed)["findings"][0]["evidence"]["lost_values"] == ["cheque"]


def test_diff_exits_with_3_where_it_cannot_tell_and_2_for_wrong_usage(
    ordered: Shop, call: Call, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    status, printed, _ = call("contract", "diff", PATH, str(broken))
    assert (status, printed.splitlines()[-1].partition(":")[0]) == (3, "? could not tell")
    assert call("contract", "diff", str(broken), PATH)[0] == 3
    for arguments in (("nowhere", PATH), ("main:nothing.json", PATH), ("main", "main")):
        status, _, said = call("contract", "diff", *arguments)
        assert (status, said[:4]) == (2, "E431")
    status, _, said = call("contract", "diff", "main", "main", "--contract", "ordr")
    assert (status, said.splitlines()) == (
        2, ["E430 there is no contract 'ordr'", "hint: contracts here: order"],
    )  # fmt: skip


def test_diff_finds_the_one_package_of_a_folder(ordered: Shop, call: Call) -> None:
    commit(
        ordered.main, {"lib/tea/__init__.py": "def brew(cup): ...\n", "lib/tea/x/__init__.py": ""}
    )
    (ordered.main / "lib/tea/__init__.py").write_text("def brew(cup, leaf): ...\n")
    for path in ("lib", "lib/tea"):
        status, printed, _ = call("contract", "diff", f"HEAD:{path}", path)
        assert (status, "tea.brew(): parameter leaf is new" in printed) == (1, True)
    (ordered.main / "lib/other").mkdir()
    (ordered.main / "lib/other/__init__.py").write_text("")
    status, _, said = call("contract", "diff", "HEAD:lib", "lib")
    assert (status, "has to be named" in said) == (2, True)


def test_history_lists_what_the_branch_kept(ordered: Shop, call: Call) -> None:
    commit(ordered.main, {"README.md": "no version"})
    status, printed, _ = call("contract", "history", "order")
    assert status == 0
    assert [line[28:] for line in printed.splitlines()[:2]] == [
        '$.pay no longer accepts "cheque"',
        "the first",
    ]
    assert printed.splitlines()[-1] == "2 versions of order (backward)"
    status, printed, _ = call("contract", "history", "order", "--last", "1", "--json")
    assert json.loads(printed)["complete"] is False
    assert [v["verdict"] for v in json.loads(printed)["versions"]] == ["failed"]


def notes(folder: Path) -> str:
    path = folder / "notes.md"
    path.write_text("".join(f"## {field}\n\nSomething.\n\n" for field in FIELDS))
    return str(path)


def handed_off(shop: Shop, call: Call, folder: Path) -> str:
    """A handoff of ``backend`` that takes ``cash`` away; its head."""
    git(shop.main.parent / "backend", "reset", "-q", "--hard", "main")
    assert call("assign", "backend", "--task", "no cash")[0] == 0
    head = shop.work({PATH: order("card")})
    assert call("ready", "--notes", notes(folder), at="backend")[0] == 0
    return head


def test_a_blessed_version_is_accepted_once_that_has_landed(
    ordered: Shop, call: Call, tmp_path: Path
) -> None:
    handed_off(ordered, call, tmp_path)
    status, printed, _ = call("contract", "bless", "order", "--reason", "none left", "--yes")
    assert status == 0
    assert f"written to {BLESSINGS}; it counts once that is on main:" in printed
    assert "H-1 of backend" in printed
    [entry] = json.loads((ordered.main / BLESSINGS).read_text())["blessed"]
    assert (entry["author"], entry["reason"]) == ("backend", "none left")
    assert entry["by"].startswith("human:")
    work = ordered.main.parent / "backend"
    verify = ("verify", "--since", "main", "--json")
    status, printed, _ = call(*verify, at="backend")
    assert json.loads(printed)["results"]["contractCompliance"]["outcome"] == "failed"
    git(ordered.main, "add", "-A")
    git(ordered.main, "commit", "-q", "-m", "bless order")
    git(work, "rebase", "-q", "main")
    status, printed, _ = call(*verify, at="backend")
    report = json.loads(printed)
    assert report["results"]["contractCompliance"]["outcome"] == "passed"
    assert "accepted by human:" in printed
    git(ordered.main, "merge", "-q", "--ff-only", git(work, "rev-parse", "HEAD"))
    status, printed, _ = call("contract", "history", "order")
    assert "a new start" in printed


def test_nobody_blesses_their_own_break(ordered: Shop, call: Call, tmp_path: Path) -> None:
    handed_off(ordered, call, tmp_path)
    mine = ("contract", "bless", "order", "--reason", "r", "--yes")
    status, _, said = call(*mine, "--at", "main")
    assert (status, said[:4]) == (1, "E432")
    assert "ada@example.org committed this change" in said
    project = Project.open(ordered.main)
    change = blessing.change_of(project, "order", "H-1", None)
    for name in ("backend", "frontend"):
        with pytest.raises(blessing.BlessingRefused):
            blessing.bless(project, Caller(name, human=False), "order", change, "r")
    assert not (ordered.main / BLESSINGS).exists()
    done = blessing.bless(project, Caller("coordinator", human=False), "order", change, "r")
    assert (done.file, done.blessing.by) == (BLESSINGS, "coordinator")


def test_it_has_to_be_clear_what_is_blessed(
    ordered: Shop, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _, said = call("contract", "bless", "order", "--reason", "r", "--yes")
    assert (status, said.splitlines()[-1]) == (1, "hint: name it: --handoff H-7, or --at COMMIT")
    status, _, said = call("contract", "bless", "order", "--reason", " ", "--yes")
    assert (status, said[:4]) == (2, "E001")
    gone = commit(ordered.main, {PATH: "{"})
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "third@example.org")
    status, _, said = call("contract", "bless", "order", "--reason", "r", "--yes", "--at", gone)
    assert (status, said[:4]) == (1, "E432")
    assert "no usable version" in said


def test_two_versions_of_different_kinds_are_not_compared_as_one_of_them(
    ordered: Shop, call: Call
) -> None:
    (ordered.main / "old.json").write_text('{"openapi": "3.0.3", "info": {}, "paths": {}}')
    (ordered.main / "new.json").write_text('{"type": "object"}')
    status, _, said = call("contract", "diff", "old.json", "new.json")
    assert status == 2
    assert "old.json looks like openapi, and new.json like json-schema" in said
    (ordered.main / "new.json").write_text('{"swagger": "2.0", "paths": {}}')
    status, printed, _ = call("contract", "diff", "old.json", "new.json")
    assert status == 3
    assert "it is Swagger 2.0; convert it to OpenAPI 3 first" in printed


def test_a_long_value_is_shown_from_its_beginning(ordered: Shop, call: Call) -> None:
    ways = [f"way number {number:03}" for number in range(100)]
    (ordered.main / "old.json").write_text(order(*ways))
    (ordered.main / "new.json").write_text(order("card"))
    _, printed, _ = call("contract", "diff", "old.json", "new.json")
    [lost] = [line for line in printed.splitlines() if line.startswith("    lost set:")]
    assert lost.startswith('    lost set: { "enum": [ "way number 000", ')
    assert lost.endswith("more characters)")
