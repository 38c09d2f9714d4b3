"""What the schema cannot see: names that nothing has, circles, shared files.

Every check here works on whatever parts of the data have the right shape, and
says nothing about the rest.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from graphlib import CycleError, TopologicalSorter
from pathlib import Path as FilePath

from orchestrator.config.flows import FLOW_CHECKS
from orchestrator.config.ownership import overlaps
from orchestrator.config.problems import Problem, dotted, known, quoted, suggest
from orchestrator.config.view import EACH, View
from orchestrator.config.yaml_reader import Node

__all__ = ["contradictions"]

#: Where names are used, and of what kind they have to be.
_REFERENCES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("instances", EACH, "layers", EACH), "layer"),
    (("instances", EACH, "hands_off_to"), "instance"),
    (("layers", EACH, "depends_on", EACH), "layer"),
    (("layers", EACH, "input"), "contract"),
    (("layers", EACH, "input", EACH), "contract"),
    (("layers", EACH, "output"), "contract"),
    (("services", EACH, "layer"), "layer"),
    (("flows", EACH, "services", EACH), "service"),
    (("flows", EACH, "steps", EACH, "layer"), "layer"),
    (("benchmarks", EACH, "layer"), "layer"),
    (("approval", "approvers", EACH), "instance"),
    (("escalation", "levels", EACH, "notify", EACH), "receiver"),
)

#: Lists whose items have names of their own.
_NAMED = (
    (("layers", EACH, "checks"), "check"),
    (("integration_tests",), "check"),
    (("flows", EACH, "steps"), "step"),
    (("escalation", "levels"), "level"),
)


def contradictions(root: Node, folder: FilePath | None = None) -> Iterator[Problem]:
    """Everything that is wrong in meaning. ``folder``, if given, must hold the plugins."""
    whole = View(root)
    for check in _CHECKS:
        yield from check(whole)
    if folder is not None:
        yield from _plugins(whole, folder)


def _defined(whole: View) -> dict[str, list[str] | None]:
    """Kind → the names there are; None where the section is no mapping at all."""
    found: dict[str, list[str] | None] = {}
    for kind in ("layer", "instance", "contract", "service"):
        section = whole.get(f"{kind}s")
        good = section is None or isinstance(section.node.value, dict)
        found[kind] = [name for name, _ in whole.entries(f"{kind}s")] if good else None
    if found["instance"] is not None:
        section = whole.get("coordinator")
        coordinator = (section.text("instance") if section else None) or "coordinator"
        if coordinator not in found["instance"]:
            found["instance"].append(coordinator)
        found["receiver"] = [*(name for name, _ in whole.entries("notify")), *found["instance"]]
    return found


def _unknown_names(whole: View) -> Iterator[Problem]:
    defined = _defined(whole)
    for keys, kind in _REFERENCES:
        names = defined.get(kind)
        if names is None:
            continue
        for name, view in whole.texts(*keys):
            if name not in names:
                hint = known(name, names, f"Defined {kind}s")
                yield view.problem("E103", f"{kind} {quoted(name)} is not defined", hint)


def _circles(whole: View) -> Iterator[Problem]:
    """Each circle of ``depends_on`` once, where it closes."""
    edges = {
        (name, target): place
        for name, layer in whole.entries("layers")
        for target, place in layer.texts("depends_on", EACH)
    }
    order = [name for name, _ in whole.entries("layers")]
    while circle := _circle(order, edges):
        closing = edges.pop((circle[-2], circle[-1]))
        way = " → ".join(circle)
        yield closing.problem("E107", f"layers depend on each other in a circle: {way}")


def _circle(order: list[str], edges: Iterable[tuple[str, str]]) -> list[str] | None:
    """A circle, read "depends on", that begins and ends with its first layer in the file."""
    graph: dict[str, list[str]] = {name: [] for name in order}
    for name, target in edges:
        if target in graph:
            graph[name].append(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        around = list(reversed(error.args[1]))[:-1]
        first = min(range(len(around)), key=lambda place: order.index(around[place]))
        return [*around[first:], *around[:first], around[first]]
    return None


def _shared_files(whole: View) -> Iterator[Problem]:
    places = {
        (name, pattern): view
        for name, instance in whole.entries("instances")
        for pattern, view in instance.texts("file_patterns", EACH)
        if pattern.isprintable() and ".." not in pattern.split("/") and pattern[:1] != "/"
    }
    owned: dict[str, list[str]] = {}
    for name, pattern in places:
        owned.setdefault(name, []).append(pattern)
    for found in overlaps(owned):
        view = places[found.other, found.other_pattern]
        line = places[found.owner, found.pattern].node.line
        message = (
            f"{quoted(found.other_pattern)} shares files with {quoted(found.pattern)} "
            f"of {dotted((found.owner,))}: both match {found.witness}"
        )
        hint = f"make one of them narrower; the other is in line {line}"
        yield view.problem("E108", message, hint)


def _same_names(whole: View) -> Iterator[Problem]:
    for keys, kind in _NAMED:
        for group in whole.select(*keys):
            seen: dict[str, int] = {}
            for name, view in group.texts(EACH, "name"):
                if name in seen:
                    message = f"{kind} {quoted(name)} is already defined in line {seen[name]}"
                    yield view.problem("E117", message, "give one of them another name")
                seen.setdefault(name, view.node.line)


def _same_worktrees(whole: View) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name, instance in whole.entries("instances"):
        for place, view in instance.texts("worktree"):
            owner = seen.setdefault(posixpath.normpath(place), name)
            if owner != name:
                message = f"worktree {quoted(place)} is already that of {dotted((owner,))}"
                yield view.problem("E117", message, "give each instance a worktree of its own")


def _shapes_of_checks(whole: View) -> Iterator[Problem]:
    """Each check does exactly one thing."""
    for check in whole.select("layers", EACH, "checks", EACH):
        yield from _shape(check, ("run", "imports", "uses"))
    for check in whole.select("integration_tests", EACH):
        yield from _shape(check, ("run", "uses"))


def _shape(check: View, possible: tuple[str, ...]) -> Iterator[Problem]:
    if not isinstance(check.node.value, dict):
        return
    given = [key for key in ("run", "imports", "uses") if check.get(key)]
    choice = f"{', '.join(possible[:-1])} or {possible[-1]}"
    if not given:
        hint = _misspelt(check, possible)
        yield check.problem("E115", f"a check needs one of {choice}", hint)
    elif len(given) > 1:
        yield check.problem("E115", f"a check can have only one of {' and '.join(given)}")
    elif given[0] not in possible:
        yield check.problem("E115", f"{given[0]} is for checks of a layer; here: {choice}")
    elif "run" not in given and (report := check.get("report")):
        yield report.problem("E115", "only a command (run) can write a report")
    if (options := check.get("options")) and "uses" not in given:
        yield options.problem("E115", "options are for a plugin, named in uses")


def _misspelt(check: View, possible: tuple[str, ...]) -> str | None:
    hints = (suggest(str(key), possible) for key in check.node.children)
    return next((hint for hint in hints if hint), None)


def _self_handoffs(whole: View) -> Iterator[Problem]:
    for name, instance in whole.entries("instances"):
        for target, view in instance.texts("hands_off_to"):
            if target == name:
                message = f"{dotted((name,))} hands off to itself"
                yield view.problem("E116", message, "leave it out to hand off to the coordinator")


def _pairs(whole: View) -> Iterator[Problem]:
    for view in whole.select("benchmarks", EACH):
        least, most = (
            _whole_number(view, key, d) for key, d in (("min_pairs", 6), ("max_pairs", 200))
        )
        if least > most:
            place = view.get("max_pairs") or view.get("min_pairs") or view
            yield place.problem("E106", f"max_pairs ({most}) is less than min_pairs ({least})")


def _whole_number(view: View, key: str, default: int) -> int:
    entry = view.get(key)
    return entry.node.value if entry and type(entry.node.value) is int else default


def _days(whole: View) -> Iterator[Problem]:
    """The schema lets the 31st of February through."""
    for day, view in whole.texts("verification", "quarantine", "checks", EACH, "until"):
        try:
            date.fromisoformat(day)
        except ValueError:
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
                yield view.problem("E106", f"there is no day {day}")


def _packages(whole: View) -> Iterator[Problem]:
    for contract in whole.select("contracts", EACH):
        if contract.text("kind") == "python" and contract.get("package") is None:
            message = 'key "package" is missing: a contract of kind python needs it'
            yield contract.problem("E105", message, "name the module whose public names it is")


def _plugins(whole: View, folder: FilePath) -> Iterator[Problem]:
    """Plugins have to be files of the repository itself."""
    for name, view in whole.texts("verification", "plugins", EACH):
        path = folder / name
        if ".." in name.split("/") or name.startswith("/"):
            continue  # the schema said so
        if not path.is_file():
            near = [str(p.relative_to(folder)) for p in sorted(path.parent.glob("*.py"))[:100]]
            yield view.problem("E111", f"plugin {quoted(name)} is not there", suggest(name, near))
        elif not path.resolve().is_relative_to(folder.resolve()):
            hint = "a plugin has to be a file of the repository, so that it is versioned with it"
            yield view.problem("E112", f"plugin {quoted(name)} leads out of the repository", hint)


_CHECKS: tuple[Callable[[View], Iterator[Problem]], ...] = (
    _unknown_names,
    _circles,
    _shared_files,
    _same_names,
    _same_worktrees,
    _shapes_of_checks,
    _self_handoffs,
    _pairs,
    _packages,
    _days,
    *FLOW_CHECKS,
)
