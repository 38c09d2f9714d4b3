"""What can be wrong in a configuration: codes, one problem, and all of them as an error.

Renders problems as text; finds none itself and reads no file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from orchestrator.errors import OrchestrateError

__all__ = [
    "CODES",
    "Code",
    "InvalidConfig",
    "MissingConfig",
    "Path",
    "Problem",
    "dotted",
    "known",
    "quoted",
    "render",
    "suggest",
]

#: Where something is in the file: keys of mappings and numbers of list items.
Path = tuple[str | int, ...]


class Code(NamedTuple):
    """What a code means: ``title`` in a sentence, ``text`` with what to do about it."""

    title: str
    text: str


#: Every problem a configuration can have. The reference page is made from this table.
CODES: dict[str, Code] = {
    "E101": Code(
        "The file cannot be read.",
        "Happens when the file is missing, a folder, not readable, not UTF-8, empty or larger "
        "than 256 KiB. Say which file is meant, or write one: `orchestrate init`.",
    ),
    "E102": Code(
        "The file is not YAML.",
        "Happens when indentation, brackets, quotes or tabs are wrong, or when the file holds "
        "more than one document. Nothing else is looked at until this is mended. YAML indents "
        "with spaces; quote text that begins with `@`, `%`, `*`, `&` or a bracket.",
    ),
    "E103": Code(
        "A name is used that nothing has.",
        "Happens when a layer, instance, contract or receiver of messages is named that the file "
        "does not define. Mend the spelling, or define it.",
    ),
    "E104": Code(
        "A key is not known.",
        "Happens when a key is misspelt or stands at the wrong level. Unknown keys are errors, "
        "because a misspelt rule would otherwise silently not apply. "
        "`orchestrate config schema` lists every key.",
    ),
    "E105": Code(
        "A key is missing.",
        "Happens when a required key is not given. Only `version`, `project` and `layers` are "
        "required at the top; the page of the configuration says what each part needs.",
    ),
    "E106": Code(
        "A value is not of the kind that is needed.",
        "Happens when a value has the wrong type, is not one of the words possible there, or is "
        "out of bounds: a negative time, an empty list.",
    ),
    "E107": Code(
        "Layers depend on each other in a circle.",
        "Happens when following `depends_on` leads back to where it began; the circle is named. "
        "Take one of the dependencies out, or merge the layers.",
    ),
    "E108": Code(
        "Two instances own the same files.",
        "Happens when a path can match `file_patterns` of two instances; an example is given. "
        "Make one of the patterns narrower: who owns a file must never be a matter of luck.",
    ),
    "E109": Code(
        "A key is given twice.",
        "Happens when a mapping has the same key two times. YAML would silently drop the first. "
        "Merge the two, or take one out.",
    ),
    "E110": Code(
        "YAML reads this as something else than it looks like.",
        "Happens with plain words and numbers that YAML 1.1 takes for a date, for a number to "
        "the base of 8 or 60, or as a key for true and false (`on`, `no`), and with tags. "
        "Write the text in quotes.",
    ),
    "E111": Code(
        "A plugin file is not there.",
        "Happens when `verification.plugins` names a file the repository does not have. "
        "Plugins are named by path, relative to the top of the repository.",
    ),
    "E112": Code(
        "A path leaves the repository.",
        "Happens when a path or pattern is absolute, goes up with `..`, or has control "
        "characters. Paths are relative to the top of the repository, with `/`.",
    ),
    "E113": Code(
        "This cannot be a name.",
        "Happens when a name has other characters than letters, digits, `.`, `_` and `-`, does "
        "not begin with a letter or digit, or is longer than 64. Names appear in commands, "
        "branches and file names.",
    ),
    "E114": Code(
        "A rule does not work.",
        "Happens when a rule (CEL) does not compile, or names something there is not: it is "
        "evaluated on a complete sample, because the compiler accepts misspelt fields.",
    ),
    "E115": Code(
        "A check or step has nothing to do, or two things.",
        "Happens when a check has none or several of `run`, `imports` and `uses`, or a `report` "
        "without a command that could write it; when a step of a flow has not one of `run` and "
        "`http`, or a service more than one way to tell that it is ready. Give each exactly one.",
    ),
    "E116": Code(
        "An instance hands off to itself.",
        "Happens when `hands_off_to` names the instance it stands in. Name another, or leave it "
        "out: the work then goes to the coordinator.",
    ),
    "E117": Code(
        "A name is used twice.",
        "Happens when two checks of one layer, two steps of one flow or two levels of the "
        "escalation have the same name. Give one of them another.",
    ),
    "E118": Code(
        "The file is larger or deeper than a configuration can be.",
        "Happens with more than 32 levels of nesting, or more than 20,000 values, counting what "
        "aliases repeat. Write it out flatter, or split the work into more projects.",
    ),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. ``line`` and ``column`` count from 1; ``path`` leads to it in the data."""

    code: str
    path: Path
    message: str
    hint: str | None = None
    line: int = 1
    column: int = 1

    @property
    def order(self) -> tuple[int, int, str, str]:
        """Problems are shown from the top of the file down."""
        return (self.line, self.column, self.code, self.message)


class InvalidConfig(OrchestrateError):
    """The configuration has problems.

    Happens when the configuration cannot be used as it is; all its problems
    are listed at once, each with its place, code and a hint. Mend them and
    look again: ``orchestrate config check``.
    """

    code = "E100"

    def __init__(self, source: str, problems: Sequence[Problem], *, at: str | None = None) -> None:
        self.source = source
        self.problems = tuple(sorted(problems, key=lambda problem: problem.order))
        self.at = at
        count = len(self.problems)
        amount = "a problem" if count == 1 else f"{count} problems"
        place = f" in {at}" if at else ""
        super().__init__(
            f"{source}{place} has {amount}:\n\n{render(source, self.problems)}\n",
            hint="mend it, then look again: orchestrate config check",
        )


class MissingConfig(OrchestrateError):
    """There is no configuration here.

    Happens when a repository has no ``config/orchestrate.yaml``, neither on
    the integration branch nor in its worktrees. Write one with ``orchestrate
    init``, or name another file in ``ORCHESTRATE_CONFIG``.
    """

    code = "E150"


def render(source: str, problems: Iterable[Problem]) -> str:
    """Every problem with its place, code and hint, separated by empty lines."""
    return "\n\n".join(_render(source, problem) for problem in problems)


def _render(source: str, problem: Problem) -> str:
    place = f"{source}:{problem.line}:{problem.column}  {dotted(problem.path)}".rstrip()
    lines = [place, f"  {problem.code} {problem.message}"]
    if problem.hint:
        lines.append(f"  hint: {problem.hint}")
    return "\n".join(lines)


def dotted(path: Path) -> str:
    """``instances.backend.layers[0]``; keys that are no plain words stand in quotes."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[A-Za-z0-9_-]+", part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part)}]"
    return text


def quoted(text: str) -> str:
    """Text of the file in a message: on one line, its quotes and control characters visible."""
    return json.dumps(text, ensure_ascii=False)


def suggest(word: str, words: Iterable[str]) -> str | None:
    """``did you mean "service"?`` when one of ``words`` is near, else None."""
    from difflib import get_close_matches

    choices = {choice.casefold(): choice for choice in words}
    near = get_close_matches(word.casefold(), choices, n=1, cutoff=0.6)
    return f"did you mean {quoted(choices[near[0]])}?" if near else None


def known(word: str, words: Iterable[str], what: str) -> str:
    """A hint for an unknown word: the nearest one, and all there are (``what`` says which)."""
    choices = list(words)
    shown = ", ".join(choices[:12]) + (", …" if len(choices) > 12 else "")
    everything = f"{what}: {shown}" if choices else f"{what}: none"
    return " ".join(part for part in (suggest(word, choices), everything) if part)
