"""Contracts of kind ``json-schema``, checked in real repositories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config.model import Config, Contract, Layer
from orchestrator.plugins.builtin import contracts
from orchestrator.plugins.builtin.contracts import schemas
from orchestrator.plugins.spec import CheckResult, Finding, Outcome, Severity
from orchestrator.testing import plugins as harness
from tests.conftest import MakeRepo, commit, git

PATH = "contracts/order.schema.json"
SAMPLES = "contracts/samples/*.json"
OLD = {
    "type": "object",
    "properties": {
        "payment": {"enum": ["card", "cash", "invoice"]},
        "total": {"type": "integer", "minimum": 0},
    },
    "required": ["payment"],
    "additionalProperties": False,
}


def changed(**parts: Any) -> dict[str, Any]:
    return {**OLD, "properties": {**OLD["properties"], **parts}}  # type: ignore[dict-item]  # JSON


def settings(**options: Any) -> Config:
    contract = Contract("order", **{"kind": "json-schema", "path": PATH, **options})
    layers = {
        "data": Layer("data", ("data/**",), output="order"),
        "web": Layer("web", ("web/**",), depends_on=("data",), input="order"),
        "docs": Layer("docs", ("docs/**",)),
    }
    return harness.config(layers=layers, contracts={"order": contract})


def check(repo: Path, base: str | None = None, **options: Any) -> CheckResult:
    """Check the contract ``order`` as it is in ``repo`` against ``base``."""
    chosen = settings(**options)
    [planned] = harness.plan(contracts, chosen, checkout=repo)
    where = harness.context(repo, repo.parent / "scratch", base=base, settings=chosen)
    return harness.execute(contracts, planned, where)


def versions(make_repo: MakeRepo, old: Any, new: Any, path: str = PATH) -> tuple[Path, str]:
    """A repository with ``old`` committed and ``new`` in the checkout; the base's commit."""
    repo = make_repo({path: json.dumps(old, indent=2)})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {path: json.dumps(new, indent=2)})
    return repo, base


def only(result: CheckResult) -> Finding:
    [finding] = result.findings
    return finding


def test_a_lost_enum_member_fails_and_is_named(make_repo: MakeRepo) -> None:
    new = changed(payment={"enum": ["card", "cash", "voucher"]})
    result = check(*versions(make_repo, OLD, new))
    finding = only(result)
    assert result.outcome is Outcome.FAILED
    assert result.reason == finding.message == '$.payment no longer accepts "invoice"'
    assert (finding.rule, finding.severity) == ("schema.lost-values", Severity.BREAKING)
    assert finding.file == PATH
    assert finding.evidence["lost_values"] == ["invoice"]
    assert finding.evidence["counterexample"] == {"payment": "invoice"}
    assert finding.evidence["consumers"] == ["web"]
    assert finding.evidence["producers"] == ["data"]
    assert finding.remedy is not None
    assert 'accept "invoice" again' in finding.remedy


def test_every_loss_is_a_finding_of_its_own(make_repo: MakeRepo) -> None:
    new = {
        **changed(payment={"enum": ["card", "cash"]}, total={"type": "integer", "minimum": 1}),
        "required": ["payment", "total"],
    }
    result = check(*versions(make_repo, OLD, new))
    assert sorted(finding.message for finding in result.findings) == [
        '$.payment no longer accepts "invoice"',
        "$.total became required; values without it were valid",
        "$.total: minimum is now 1; before it was 0",
    ]
    assert result.reason.endswith("(and 2 more)")


def test_a_gained_value_passes_backward_and_fails_where_the_contract_is_an_output(
    make_repo: MakeRepo,
) -> None:
    new = changed(payment={"enum": ["card", "cash", "invoice", "voucher"]})
    repo, base = versions(make_repo, OLD, new)
    assert check(repo, base).outcome is Outcome.PASSED
    assert check(repo, base, direction="input").outcome is Outcome.PASSED
    for options in ({"direction": "output"}, {"compatibility": "forward"}):
        result = check(repo, base, **options)
        assert result.outcome is Outcome.FAILED
        assert only(result).rule == "schema.gained-values"
        assert '$.payment may be "voucher", which readers' in only(result).message
    full = check(repo, base, compatibility="full")
    assert [finding.rule for finding in full.findings] == ["schema.gained-values"]
    assert check(repo, base, compatibility="none").outcome is Outcome.PASSED


def enum(*values: str) -> str:
    return json.dumps(changed(payment={"enum": list(values)}))


def test_transitive_compares_with_every_version_the_base_ever_had(make_repo: MakeRepo) -> None:
    repo = make_repo({PATH: enum("card", "cheque")})
    first = git(repo, "rev-parse", "HEAD")
    commit(repo, {PATH: enum("card", "cash")})
    commit(repo, {"README.md": "not a version"})
    base = commit(repo, {PATH: enum("card", "cash", "invoice")})
    commit(repo, {PATH: enum("card", "cash", "invoice", "coin")})
    assert check(repo, base).outcome is Outcome.PASSED
    result = check(repo, base, compatibility="backward-transitive")
    assert result.outcome is Outcome.FAILED
    second = git(repo, "rev-parse", f"{first}~0", f"{base}~2").split()[1]
    assert result.data["compared_with"] == ["base", second[:12], first[:12]]
    assert only(result).message == (
        f'compared with {first[:12]}: $.payment no longer accepts "cheque"'
    )
    assert only(result).evidence["compared_with"] == first[:12]


def test_a_version_of_a_file_it_refers_to_is_kept_too(make_repo: MakeRepo) -> None:
    whole = json.dumps({"properties": {"c": {"$ref": "money.json"}}})
    repo = make_repo({PATH: whole, "contracts/money.json": '{"enum": ["A", "B"]}'})
    base = commit(repo, {"contracts/money.json": '{"enum": ["A"]}'})
    assert check(repo, base).outcome is Outcome.PASSED
    assert "no longer accepts" in check(repo, base, compatibility="full-transitive").reason


def blessing(version: str, after: str) -> str:
    one = {"version": version, "after": after, "reason": "no cash", "by": "human:ada",
           "author": "backend", "at": "2026-11-29T00:00:00Z"}  # fmt: skip
    return json.dumps({"contract": "order", "blessed": [one]})


def test_a_blessing_counts_for_one_version_in_place_of_one_other(make_repo: MakeRepo) -> None:
    kept = "verification/baselines/contracts/order.json"
    repo = make_repo({PATH: enum("card", "cash")})
    old = check(repo).data["version"]
    narrow = {PATH: enum("card")}
    commit(repo, {**narrow})
    new = check(repo).data["version"]
    first = commit(repo, {PATH: enum("card", "cash"), kept: blessing(new, old)})
    commit(repo, {**narrow})
    result = check(repo, first, compatibility="backward-transitive")
    assert result.outcome is Outcome.PASSED
    assert only(result).severity is Severity.NOTICE
    assert only(result).message.endswith("(accepted by human:ada: no cash)")
    later = commit(repo, {PATH: enum("card", "coin")})
    assert check(repo, git(repo, "rev-parse", "HEAD~1")).outcome is Outcome.PASSED
    commit(repo, {**narrow})
    assert check(repo, later).outcome is Outcome.FAILED
    assert (
        check(repo, later, compatibility="forward-transitive").data["compared_with"][-1]
        != (git(repo, "rev-list", "--max-parents=0", "HEAD")[:12])
    )


def test_blessings_that_cannot_be_read_are_errored(make_repo: MakeRepo) -> None:
    kept = "verification/baselines/contracts/order.json"
    repo, _ = versions(make_repo, OLD, OLD)
    base = commit(repo, {kept: "{}"})
    result = check(repo, base)
    assert result.outcome is Outcome.ERRORED
    assert "blessings" in result.reason


def test_a_history_that_is_cut_off_is_errored_where_it_counts(
    make_repo: MakeRepo, tmp_path: Path
) -> None:
    repo, _ = versions(make_repo, OLD, OLD)
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", "cut")
    head = git(tmp_path / "cut", "rev-parse", "HEAD")
    assert check(tmp_path / "cut", head).outcome is Outcome.PASSED
    result = check(tmp_path / "cut", head, compatibility="backward-transitive")
    assert result.outcome is Outcome.ERRORED
    assert "git fetch --unshallow" in result.reason


def test_a_new_contract_passes_with_a_notice(make_repo: MakeRepo) -> None:
    repo = make_repo()
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {PATH: json.dumps(OLD)})
    result = check(repo, base)
    assert result.outcome is Outcome.PASSED
    assert (only(result).rule, only(result).severity) == ("contract.new", Severity.NOTICE)


def test_without_a_base_nothing_is_compared(make_repo: MakeRepo) -> None:
    result = check(make_repo({PATH: json.dumps(OLD)}))
    assert result.outcome is Outcome.PASSED
    assert result.findings == ()
    assert result.data["compared_with"] == []


def test_a_deleted_contract_fails(make_repo: MakeRepo) -> None:
    repo = make_repo({PATH: json.dumps(OLD)})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {PATH: None})
    result = check(repo, base)
    assert result.outcome is Outcome.FAILED
    assert only(result).message == "the file of contract order was deleted"


def test_a_base_that_is_not_here_is_errored(make_repo: MakeRepo) -> None:
    result = check(make_repo({PATH: json.dumps(OLD)}), "d" * 40)
    assert result.outcome is Outcome.ERRORED


@pytest.mark.parametrize(
    ("content", "rule", "line"),
    [
        ('{"type":\n\n oops}', "contract.unreadable", 3),
        ('{"minimum": NaN}', "contract.unreadable", None),
        ("[" * 5000 + "]" * 5000, "contract.unreadable", None),
        ('{\n  "properties": {\n    "a": {\n      "type": "strin"\n}}}', "schema.invalid", 4),
        ('{"pattern": "("}', "schema.invalid", 1),
        ("[]", "schema.invalid", 1),
        ("", "contract.unreadable", 1),
    ],
)
def test_a_file_that_is_no_schema_fails_with_its_place(
    make_repo: MakeRepo, content: str, rule: str, line: int | None
) -> None:
    result = check(make_repo({PATH: content}))
    assert result.outcome is Outcome.FAILED
    assert (only(result).rule, only(result).line, only(result).file) == (rule, line, PATH)


def test_yaml_schemas_are_read(make_repo: MakeRepo) -> None:
    old = "type: object\nproperties:\n  size: {enum: [1, 2]}\n  day: {const: 2024-01-31}\n"
    repo = make_repo({"c.yaml": old})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"c.yaml": old.replace("[1, 2]", "[1]")})
    result = check(repo, base, path="c.yaml")
    assert result.reason == "$.size no longer accepts 2"


def test_samples_are_validated_and_each_violation_has_its_path(make_repo: MakeRepo) -> None:
    files = {
        PATH: json.dumps(OLD),
        "contracts/samples/a.json": '{"payment": "card"}',
        "contracts/samples/b.json": '{"payment": "gold", "total": -1}',
        "contracts/samples/c.json": "{",
    }
    result = check(make_repo(dict(files)), samples=SAMPLES)
    assert result.outcome is Outcome.FAILED
    found = {(f.file, f.rule, f.evidence.get("path")) for f in result.findings}
    assert found == {
        ("contracts/samples/b.json", "sample.invalid", "$.payment"),
        ("contracts/samples/b.json", "sample.invalid", "$.total"),
        ("contracts/samples/c.json", "sample.unreadable", None),
    }


def test_a_glob_that_matches_no_sample_is_errored_never_passed(make_repo: MakeRepo) -> None:
    result = check(make_repo({PATH: json.dumps(OLD)}), samples=SAMPLES)
    assert result.outcome is Outcome.ERRORED
    assert SAMPLES in result.reason


def test_formats_of_samples_count(make_repo: MakeRepo) -> None:
    schema = {"properties": {"mail": {"type": "string", "format": "email"}}}
    repo = make_repo({PATH: json.dumps(schema), "contracts/samples/a.json": '{"mail": "nobody"}'})
    assert check(repo, samples=SAMPLES).outcome is Outcome.FAILED


def test_what_cannot_be_decided_is_inconclusive(make_repo: MakeRepo) -> None:
    old = {"type": "string", "pattern": "^(?=.*[0-9])[a-z0-9]{8}$"}
    new = {"type": "string", "pattern": "^[a-z0-9]{8}$"}
    result = check(*versions(make_repo, old, new))
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "base" in result.reason


def test_what_cannot_be_modelled_is_inconclusive_unless_nothing_changed(
    make_repo: MakeRepo,
) -> None:
    anchored = {"$dynamicAnchor": "x", "type": "object"}
    odd = {"$dynamicRef": "#x", "$defs": {"x": anchored, "y": anchored}}
    repo, base = versions(make_repo, odd, {**odd, "title": "other"})
    assert check(repo, base).outcome is Outcome.INCONCLUSIVE
    assert check(repo, git(repo, "rev-parse", "HEAD")).outcome is Outcome.PASSED


def test_a_base_that_was_no_schema_is_inconclusive(make_repo: MakeRepo) -> None:
    repo = make_repo({PATH: "{"})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {PATH: json.dumps(OLD)})
    assert check(repo, base).outcome is Outcome.INCONCLUSIVE


def test_the_referred_file_is_read_from_the_same_revision(make_repo: MakeRepo) -> None:
    schema = {"properties": {"c": {"$ref": "money.json"}}}
    repo = make_repo({PATH: json.dumps(schema), "contracts/money.json": '{"enum": ["A", "B"]}'})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"contracts/money.json": '{"enum": ["A"]}'})
    assert check(repo, base).reason == '$.c no longer accepts "B"'


@pytest.mark.parametrize(
    ("layers", "changed_files", "project_wide", "planned"),
    [
        ((), None, True, True),
        ((), (PATH,), True, True),
        ((), ("contracts/samples/a.json",), True, True),
        ((), ("contracts/money.json",), True, True),
        ((), ("README.md",), True, False),
        (("docs",), ("docs/a.md",), True, False),
        (("web",), ("web/a.py",), True, True),
        (("data",), ("data/a.py",), False, True),
        (("docs",), None, False, False),
    ],
)
def test_a_contract_is_planned_when_it_or_a_layer_that_uses_it_is_affected(
    layers: tuple[str, ...],
    changed_files: tuple[str, ...] | None,
    project_wide: bool,
    planned: bool,
) -> None:
    chosen = settings(samples=SAMPLES)
    found = harness.plan(
        contracts, chosen, layers=layers, changed=changed_files, project_wide=project_wide
    )
    assert [item.id for item in found] == (["contracts/order"] if planned else [])


def test_a_file_it_refers_to_is_watched_wherever_it_is(make_repo: MakeRepo) -> None:
    far = {"properties": {"c": {"$ref": "../shared/money.json"}}}
    repo = make_repo({PATH: json.dumps(far), "shared/money.json": "{}"})
    chosen = settings()
    for changed_file, planned in (("shared/money.json", 1), ("shared/money.txt", 0)):
        found = harness.plan(contracts, chosen, checkout=repo, layers=(), changed=(changed_file,))
        assert len(found) == planned


def test_the_library_for_schemas_is_used_in_one_module_only() -> None:
    folder = Path(schemas.__file__).parent.parent
    users = [
        path.name
        for path in folder.rglob("*.py")
        if "import jsonschema_rs" in path.read_text() or "from jsonschema_rs" in path.read_text()
    ]
    assert users == ["schemas.py"]
