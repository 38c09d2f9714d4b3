"""Every mistake has its place, code and hint; all of them are told at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.config.load import load_text
from orchestrator.config.problems import CODES, InvalidConfig, dotted
from orchestrator.config.rules import KNOWN_GOOD
from orchestrator.policy.rules import check
from tests.config.texts import MINIMAL, one, problems, told

#: What is added to ``MINIMAL`` → the one problem it makes, as printed.
MISTAKES = {
    "an unknown layer": (
        "instances: {a: {role: R, layers: [servce]}}",
        """6:35  instances.a.layers[0]
  E103 layer "servce" is not defined
  hint: did you mean "service"? Defined layers: data, service""",
    ),
    "an unknown target": (
        "instances: {alpha: {role: R}, beta: {role: R, hands_off_to: alhpa}}",
        """6:61  instances.beta.hands_off_to
  E103 instance "alhpa" is not defined
  hint: did you mean "alpha"? Defined instances: alpha, beta, coordinator""",
    ),
    "an unknown layer of a step": (
        "flows: {f: {steps: [{name: s, run: x, layer: web}]}}",
        """6:46  flows.f.steps[0].layer
  E103 layer "web" is not defined
  hint: Defined layers: data, service""",
    ),
    "an unknown layer of a benchmark": (
        "benchmarks: {b: {run: x, layer: dta}}",
        """6:33  benchmarks.b.layer
  E103 layer "dta" is not defined
  hint: did you mean "data"? Defined layers: data, service""",
    ),
    "an unknown approver": (
        "approval: {approvers: [x]}",
        """6:24  approval.approvers[0]
  E103 instance "x" is not defined
  hint: Defined instances: coordinator""",
    ),
    "an unknown receiver": (
        "notify: {team: a}\nescalation: {levels: [{name: l, notify: [teams, coordinator]}]}",
        """7:42  escalation.levels[0].notify[0]
  E103 receiver "teams" is not defined
  hint: did you mean "team"? Defined receivers: team, coordinator""",
    ),
    "an unknown key": (
        "aproval: {auto: true}",
        """6:1  aproval
  E104 key "aproval" is not known
  hint: did you mean "approval"?""",
    ),
    "an unknown key like nothing": (
        "coordinator: {zzz: 1}",
        """6:15  coordinator.zzz
  E104 key "zzz" is not known
  hint: known here: instance, monitoring_interval, integration_branch, transfer, push""",
    ),
    "a misspelt required key": (
        "instances: {a: {rol: R}}",
        """6:17  instances.a.rol
  E104 key "rol" is not known
  hint: did you mean "role"?""",
    ),
    "a missing key": ("instances: {a: {}}", """6:16  instances.a\n  E105 key "role" is missing"""),
    "a package that is missing": (
        "contracts: {c: {kind: python, path: src}}",
        """6:16  contracts.c
  E105 key "package" is missing: a contract of kind python needs it
  hint: name the module whose public names it is""",
    ),
    "a negative time": (
        "verification: {budget: -5m}",
        """6:24  verification.budget
  E106 must be a length of time, more than 0, not "-5m"
  hint: write 250ms, 30s, 5m, 1h, 1d, or a number of seconds""",
    ),
    "no time at all": (
        "verification: {budget: 0.0}",
        """6:24  verification.budget
  E106 must be a length of time, more than 0, not 0.0
  hint: write 250ms, 30s, 5m, 1h, 1d, or a number of seconds""",
    ),
    "a share of more than everything": (
        "benchmarks: {b: {run: x, max_regression: 20}}",
        """6:42  benchmarks.b.max_regression
  E106 must be a share from 0% to 100%, not 20
  hint: write 5%, or a fraction such as 0.05""",
    ),
    "pairs that cannot be": (
        "benchmarks: {b: {run: x, min_pairs: 299}}",
        """6:37  benchmarks.b.min_pairs
  E106 max_pairs (200) is less than min_pairs (299)""",
    ),
    "a word that is not possible": (
        "approval: {ownership: wran}",
        """6:23  approval.ownership
  E106 "wran" is not possible here
  hint: did you mean "warn"? Possible: warn, ask, deny""",
    ),
    "an action there is not": (
        "emergency: [{when: instance.stale, do: [freze]}]",
        """6:41  emergency[0].do[0]
  E106 "freze" is not possible here
  hint: did you mean "freeze"? Possible: release_leases, return_task, notify, freeze, rollback, \
escalate""",
    ),
    "text for a list": (
        "instances: {a: {role: R, file_patterns: src}}",
        """6:41  instances.a.file_patterns
  E106 must be a list, not "src"
  hint: write it as a list: ["src"]""",
    ),
    "text for true": (
        'approval: {auto: "yes"}',
        """6:18  approval.auto
  E106 must be true or false, not "yes"
  hint: write it without quotes""",
    ),
    "true for text": (
        "instances: {a: {role: on}}",
        """6:23  instances.a.role
  E106 must be one line of text, not true
  hint: YAML reads on as true; in quotes it is text: "on\"""",
    ),
    "a number for text": (
        "instances: {a: {role: 7}}",
        """6:23  instances.a.role
  E106 must be one line of text, not 7
  hint: write it in quotes: "7\"""",
    ),
    "an empty section": (
        "contracts:",
        """6:11  contracts
  E106 must be a mapping, not empty
  hint: take the key out, or give it a value""",
    ),
    "a list with nothing in it": (
        "escalation: {levels: []}",
        """6:22  escalation.levels
  E106 must not be empty""",
    ),
    "a number out of bounds": (
        "verification: {parallel: 0}",
        """6:26  verification.parallel
  E106 must be at least 1, not 0""",
    ),
    "a rule that is too long": (
        f'approval: {{reject_when: "{"x" * 1001}"}}',
        f"""6:25  approval.reject_when
  E106 must be a rule, not "{"x" * 56}…"
  hint: a rule is one CEL expression of at most 1,000 characters""",
    ),
    "a path that goes up": (
        "contracts: {c: {kind: openapi, path: api/../../x.yaml}}",
        """6:38  contracts.c.path
  E112 must be a path inside the repository, not "api/../../x.yaml"
  hint: paths are relative to the top of the repository, without '..'""",
    ),
    "an absolute pattern": (
        "instances: {a: {role: R, file_patterns: [/etc/**]}}",
        """6:42  instances.a.file_patterns[0]
  E112 must be a path pattern inside the repository, not "/etc/**"
  hint: patterns are relative to the top of the repository, without '..'""",
    ),
    "a name with a newline": (
        'instances: {"a\\nb": {role: R}}',
        """6:13  instances["a\\nb"]
  E113 "a\\nb" cannot be a name
  hint: letters, digits, '.', '_' and '-', beginning with a letter or digit, at most 64""",
    ),
    "a name with a space": (
        "integration_tests: [{name: all of it, run: x}]",
        """6:28  integration_tests[0].name
  E113 must be a name, not "all of it"
  hint: letters, digits, '.', '_' and '-', beginning with a letter or digit, at most 64""",
    ),
    "a rule with a misspelt field": (
        'approval: {approve_when: "report.faild == 0"}',
        """6:26  approval.approve_when
  E114 report has no field "faild"; did you mean "failed"?""",
    ),
    "an invariant of a step there is not": (
        "flows: {f: {steps: [{name: s, run: x}], invariants: [steps.t.output == 1]}}",
        """6:54  flows.f.invariants[0]
  E114 there is no step "t" (there are: s)""",
    ),
    "a check that does nothing": (
        "integration_tests: [{name: a}]",
        """6:21  integration_tests[0]
  E115 a check needs one of run or uses""",
    ),
    "a check that does two things": (
        "integration_tests: [{run: a, uses: b}]",
        """6:21  integration_tests[0]
  E115 a check can have only one of run and uses""",
    ),
    "import rules of the whole project": (
        "integration_tests: [{imports: {layers: [a, b]}}]",
        """6:21  integration_tests[0]
  E115 imports is for checks of a layer; here: run or uses""",
    ),
    "a report of no command": (
        "integration_tests: [{uses: p, report: {format: junit}}]",
        """6:39  integration_tests[0].report
  E115 only a command (run) can write a report""",
    ),
    "options of no plugin": (
        "integration_tests: [{run: p, options: {a: 1}}]",
        """6:39  integration_tests[0].options
  E115 options are for a plugin, named in uses""",
    ),
    "a handoff to oneself": (
        "instances: {a: {role: R, hands_off_to: a}}",
        """6:40  instances.a.hands_off_to
  E116 a hands off to itself
  hint: leave it out to hand off to the coordinator""",
    ),
    "two checks of one name": (
        "integration_tests: [{name: a, run: x}, {name: a, run: y}]",
        """6:47  integration_tests[1].name
  E117 check "a" is already defined in line 6
  hint: give one of them another name""",
    ),
    "two instances in one worktree": (
        "instances: {a: {role: R, worktree: ../w}, b: {role: R, worktree: .././w/}}",
        """6:66  instances.b.worktree
  E117 worktree ".././w/" is already that of a
  hint: give each instance a worktree of its own""",
    ),
    "files of two instances": (
        """instances:
  a: {role: R, file_patterns: ["src/**"]}
  b: {role: R, file_patterns: ["web/**", "**/*.py"]}""",
        """8:42  instances.b.file_patterns[1]
  E108 "**/*.py" shares files with "src/**" of a: both match src/a.py
  hint: make one of them narrower; the other is in line 7""",
    ),
}


@pytest.mark.parametrize(("added", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_place_code_and_hint(added: str, expected: str) -> None:
    assert one(MINIMAL + added + "\n") == expected


def test_a_circle_of_layers_is_named() -> None:
    text = """\
version: 1
project: shop
layers:
  data: {paths: [a], depends_on: [ui]}
  service: {paths: [b], depends_on: [data]}
  ui: {paths: [c], depends_on: [service]}
  alone: {paths: [d], depends_on: [alone, data]}
"""
    assert told(text) == (
        "config/orchestrate.yaml:5:38  layers.service.depends_on[0]\n"
        "  E107 layers depend on each other in a circle: data → ui → service → data\n\n"
        "config/orchestrate.yaml:7:36  layers.alone.depends_on[0]\n"
        "  E107 layers depend on each other in a circle: alone → alone"
    )


def test_an_empty_mapping_lacks_everything_that_is_required() -> None:
    found = problems("{}\n")
    assert [problem.message for problem in found] == [
        'key "layers" is missing',
        'key "project" is missing',
        'key "version" is missing',
    ]


@pytest.mark.parametrize("text", ["just text\n", "[]\n", "5\n", "~\n"])
def test_a_file_that_is_no_mapping_is_told_so(text: str) -> None:
    assert [problem.code for problem in problems(text)] == ["E106"]


def test_the_plugins_have_to_be_in_the_repository(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    (root / "plugins").mkdir(parents=True)
    (root / "plugins" / "licences.py").write_text("")
    (tmp_path / "outside.py").write_text("")
    (root / "plugins" / "linked.py").symlink_to(tmp_path / "outside.py")
    names = ["plugins/licences.py", "plugins/licenses.py", "plugins/linked.py", "../outside.py"]
    text = MINIMAL + "verification:\n  plugins:\n" + "".join(f"    - {name}\n" for name in names)
    assert told(text, root) == (
        "config/orchestrate.yaml:9:7  verification.plugins[1]\n"
        '  E111 plugin "plugins/licenses.py" is not there\n'
        '  hint: did you mean "plugins/licences.py"?\n\n'
        "config/orchestrate.yaml:10:7  verification.plugins[2]\n"
        '  E112 plugin "plugins/linked.py" leads out of the repository\n'
        "  hint: a plugin has to be a file of the repository, so that it is versioned with it\n\n"
        "config/orchestrate.yaml:11:7  verification.plugins[3]\n"
        '  E112 must be a path inside the repository, not "../outside.py"\n'
        "  hint: paths are relative to the top of the repository, without '..'"
    )
    with pytest.raises(InvalidConfig, match="has a problem"):
        load_text(text, source="f")


def test_a_mistake_of_shape_does_not_hide_one_of_meaning() -> None:
    text = MINIMAL + "instances: {a: {role: 5, layers: [x], colour: red}}\napproval: 5\n"
    assert [problem.code for problem in problems(text)] == ["E106", "E103", "E104", "E106"]


def test_a_mistake_in_one_section_raises_no_false_alarm_elsewhere() -> None:
    """With no readable layers nobody can say that a layer is unknown."""
    text = "version: 1\nproject: a\nlayers: [x]\ninstances: {a: {role: R, layers: [x]}}\n"
    assert [problem.code for problem in problems(text)] == ["E106"]


def test_all_problems_come_in_the_order_of_the_file() -> None:
    text = (
        "".join(reversed(MINIMAL.splitlines(keepends=True)[:2])) + "layers: {a: {}}\nx: 1\ny: 2\n"
    )
    places = [(problem.line, problem.column) for problem in problems(text)]
    assert places == sorted(places)
    assert len(places) == 3


def test_a_thousand_mistakes_are_all_told() -> None:
    text = MINIMAL + "notify: {" + ", ".join(f"n{n}: 5" for n in range(1000)) + "}\n"
    assert len(problems(text)) == 1000


def test_rules_that_are_taken_for_good_are_good() -> None:
    """They are never compiled when a file is loaded."""
    assert {
        rule: message
        for scope, rules in KNOWN_GOOD.items()
        for rule in rules
        if (message := check(rule, scope)) is not None
    } == {}


def test_every_code_is_made_by_some_mistake() -> None:
    here = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert [code for code in CODES if here.count(code) < 1] == []


def test_codes_are_of_the_range_of_configuration_and_say_what_to_do() -> None:
    for code, entry in CODES.items():
        assert re.fullmatch(r"E1\d\d", code)
        assert entry.title.endswith(".")
        assert entry.text.startswith("Happens ")


def test_a_path_is_shown_the_way_people_write_it() -> None:
    assert dotted(("a", "b-c", 0, "d e", 1)) == 'a.b-c[0]["d e"][1]'
    assert dotted(()) == ""
