"""Every plugin enters through one door, and one that breaks the contract is told how."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from orchestrator.plugins.manager import (
    BUILTIN,
    Plugin,
    PluginRefused,
    Source,
    discover,
    load,
    refuse_twins,
)
from orchestrator.plugins.spec import PlanRequest

GOOD = """
from orchestrator.plugins.spec import *

@hookimpl
def orchestrate_plugin():
    return PluginInfo("licences", "2.1", "integrity")

@hookimpl
def orchestrate_plan(request):
    return [Check("licences", "integrity", "licences", "Licences")]

@hookimpl
def orchestrate_execute(check):
    return CheckResult(Outcome.PASSED)
"""


def local(folder: Path, text: str, name: str = "plugins/licences.py") -> Source:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return Source("local", name, str(path))


def refusal(source: Source) -> PluginRefused:
    with pytest.raises(PluginRefused) as caught:
        load(source)
    assert caught.value.code == "E502"
    assert source.name in caught.value.message
    return caught.value


def test_local_plugin_is_loaded_by_path_without_touching_the_path(tmp_path: Path) -> None:
    before = list(sys.path)
    plugin = load(local(tmp_path, GOOD))
    assert plugin.info.name == "licences"
    assert sys.path == before and "licences" not in sys.modules
    request = PlanRequest({}, (), None, str(tmp_path), None)
    assert [check.id for check in plugin.plan(request)] == ["licences"]


def test_version_of_a_local_plugin_moves_with_its_content(tmp_path: Path) -> None:
    first = load(local(tmp_path, GOOD)).info.version
    second = load(local(tmp_path, GOOD + "\n# changed\n")).info.version
    assert first.startswith("2.1+") and second.startswith("2.1+") and first != second


def test_two_files_of_one_name_are_two_modules(tmp_path: Path) -> None:
    one = load(local(tmp_path / "a", GOOD))
    two = load(local(tmp_path / "b", GOOD.replace('"licences", "2.1"', '"other", "1"')))
    assert (one.info.name, two.info.name) == ("licences", "other")


def test_discovery_finds_built_in_and_local_plugins_and_imports_none(tmp_path: Path) -> None:
    found = discover(["plugins/x.py"], tmp_path)
    assert [source.place for source in found if source.kind == "builtin"] == list(BUILTIN)
    assert found[-1] == Source("local", "plugins/x.py", str(tmp_path / "plugins/x.py"))
    assert len(discover(["x.py"], tmp_path, others=False)) == 1


def test_installed_plugins_enter_by_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop_checks.py").write_text(GOOD)
    info = tmp_path / "shop_checks-3.4.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-checks\nVersion: 3.4\n")
    (info / "entry_points.txt").write_text("[orchestrator]\nshop = shop_checks\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    source = next(s for s in discover([], tmp_path) if s.kind == "installed")
    assert source == Source("installed", "shop", "shop_checks", "3.4")
    assert load(source).info.version == "2.1"


def test_missing_file_says_where_plugins_are_read_from(tmp_path: Path) -> None:
    error = refusal(Source("local", "plugins/none.py", str(tmp_path / "none.py")))
    assert "no such file in the commit" in error.message and error.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def broken(:", "SyntaxError"),
        ("import no_such_module_at_all", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("x = 1", "it lacks orchestrate_plugin, orchestrate_plan, orchestrate_execute"),
        (GOOD.replace("@hookimpl\ndef orchestrate_execute", "def orchestrate_execute"), "it lacks"),
        (GOOD.replace('"integrity")', '"integrity", api=99)', 1), "API version 99"),
        (GOOD.replace('"integrity")', '"beauty")', 1), "'beauty'"),
        (GOOD.replace('PluginInfo("licences", "2.1", "integrity")', "'me'"), "returned str"),
        (GOOD.replace('return PluginInfo("licences", "2.1", "integrity")', "1/0"), "ZeroDivision"),
        (GOOD.replace('PluginInfo("licences"', 'PluginInfo("a\\nb"'), "not printable"),
    ],
)
def test_a_plugin_that_breaks_the_contract_is_refused_with_the_reason(
    tmp_path: Path, text: str, said: str
) -> None:
    assert said in refusal(local(tmp_path, text)).message


def test_a_wrong_signature_shows_the_offending_def(tmp_path: Path) -> None:
    text = GOOD.replace("def orchestrate_plan(request)", "def orchestrate_plan(config, layers)")
    message = refusal(local(tmp_path, text)).message
    assert "line 8: def orchestrate_plan(config, layers):" in message
    assert "config" in message and "orchestrate_plan" in message


def test_the_second_of_two_plugins_with_one_name_is_refused(tmp_path: Path) -> None:
    plugins: list[Plugin] = [
        load(local(tmp_path, GOOD, "one.py")),
        load(local(tmp_path, GOOD, "two.py")),
    ]
    [(plugin, error)] = refuse_twins(plugins)
    assert plugin is plugins[1]
    assert '"licences" is taken by one.py' in error.message and error.hint
