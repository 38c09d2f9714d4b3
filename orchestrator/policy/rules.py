"""CEL rules: evaluate one on facts, or check one before it is ever needed.

An error is an error and never ``false``: ``evaluate`` answers or raises. The
CEL library is imported at the first use, because that takes half a second.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from orchestrator.errors import OrchestrateError
from orchestrator.policy import tokens as text
from orchestrator.policy.facts import SAMPLE

__all__ = ["FUNCTIONS", "LIMITS", "SAMPLE", "RuleError", "check", "evaluate", "references"]

#: Characters of an expression, brackets in brackets, and macros in macros.
LIMITS = {"length": 1000, "nesting": 20, "macros": 2}

#: Every function a rule may call. The compiler takes any name.
FUNCTIONS = frozenset({
    "size", "contains", "startsWith", "endsWith", "matches",
    "int", "uint", "double", "string", "bytes", "type", "dyn", "duration", "timestamp",
    "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear",
    "getHours", "getMinutes", "getSeconds", "getMilliseconds",
})  # fmt: skip

#: Errors that lie in the values, not in the text: division by zero, an empty list, overflow.
_VALUE_ERRORS = (ArithmeticError, IndexError)


class RuleError(OrchestrateError):
    """A rule could not be evaluated.

    Happens when a CEL expression has a syntax error, names a field that does
    not exist, mixes types that CEL does not mix (``1 + 2.5``), divides by zero,
    exceeds the limits on length and nesting, or answers something other than
    true or false. Such a rule is *errored*: it neither approves nor rejects.
    Correct the expression; ``docs/reference/rules.md`` lists every field.
    """

    code = "E601"


def evaluate(expression: str, facts: Mapping[str, Any]) -> bool:
    """Whether the rule holds on ``facts`` (names → JSON values). Raises ``RuleError``."""
    program, found = _compiled(expression)
    try:
        value = _shielded(program.execute, dict(facts))
    except Exception as error:
        names = _unknown(text.paths(found), facts)
        listed = "every field is listed in docs/reference/rules.md"
        raise RuleError(
            f"`{expression}` cannot be evaluated: {names or _said(error)}",
            hint=listed if names and "steps" not in facts else None,
        ) from error
    if not isinstance(value, bool):
        raise RuleError(f"`{expression}` gives {_kind(value)}, a rule must give true or false")
    return value


def check(expression: str, scope: str, names: Sequence[str] = ()) -> str | None:
    """What is wrong with a rule of ``scope`` (a key of ``SAMPLE``), or None.

    ``names`` are the steps an invariant may speak of; with none given their
    names are not checked. Also finds what evaluation would skip: a misspelt
    field behind ``false &&``.
    """
    try:
        program, found = _compiled(expression)
    except RuleError as error:
        return error.message
    used = text.paths(found)
    if scope == "invariant":
        problem = _misnamed_step(used, names)
    else:
        problem = _unknown(used, SAMPLE[scope])
    problem = problem or _misnamed_root(program, found, scope) or _misnamed_function(program)
    if problem is None and scope != "invariant":
        problem = (
            _never_equal(found, SAMPLE[scope])
            or _whole_division(found, SAMPLE[scope])
            or _on_samples(program, found, scope)
        )
    return problem


def references(expression: str) -> list[str]:
    """The dotted names a rule uses (``report.failed``), in order, each once. Never raises."""
    return [".".join(path) for path in text.paths(text.tokens(expression))]


@lru_cache(maxsize=512)
def _compiled(expression: str) -> tuple[Any, tuple[text.Token, ...]]:
    """The compiled program and the tokens. Raises ``RuleError``."""
    found = tuple(text.tokens(expression[: LIMITS["length"] + 1]))
    problem = _too_much(expression, found)
    if problem:
        raise RuleError(problem)
    import cel

    try:
        return _shielded(cel.compile, expression), found
    except Exception as error:
        raise RuleError(f"`{expression}` is not a rule: {_syntax(str(error))}") from error


def _too_much(expression: str, found: Sequence[text.Token]) -> str | None:
    if not expression.strip():
        return "the rule is empty"
    figures = {
        "length": (len(expression), "characters long"),
        "nesting": (text.depth(found), "brackets deep"),
        "macros": (text.macro_depth(found), "macros deep"),
    }
    for name, (figure, unit) in figures.items():
        if figure > LIMITS[name]:
            return f"the rule is {figure} {unit}; at most {LIMITS[name]} are allowed"
    return None


def _shielded(function: Callable[[Any], Any], argument: Any) -> Any:
    """Call into the library so that nothing but an ``Exception`` comes out."""
    try:
        return function(argument)
    except BaseException as error:
        # A panic inside the library is no Exception; it must not end the coordinator.
        if type(error).__name__ == "PanicException":
            raise RuntimeError(str(error)) from error
        raise


def _on_samples(program: Any, found: Sequence[text.Token], scope: str) -> str | None:
    """Evaluate where something happened and where nothing did: both ways of a ``?`` and ``&&``."""
    quiet = _quiet(SAMPLE[scope])
    divides = any(token.text == "/" for token in found)
    for facts in (SAMPLE[scope], quiet):
        try:
            value = _shielded(program.execute, dict(facts))
        except _VALUE_ERRORS:
            continue
        except Exception as error:
            if divides and facts is quiet:
                continue  # 0.0 / 0.0 is no number, and compared with one it is an error
            return _said(error)
        if not isinstance(value, bool):
            return f"gives {_kind(value)}, a rule must give true or false"
    return None


def _quiet(value: Any) -> Any:
    """The same shape with nothing in it: zeros, false, empty texts and lists."""
    if isinstance(value, dict):
        return {name: _quiet(item) for name, item in value.items()}
    return type(value)()


def _misnamed_root(program: Any, found: Sequence[text.Token], scope: str) -> str | None:
    known = SAMPLE[scope]
    taken = text.bound(found) & known.keys()
    if taken:
        return f"{min(taken)} is a name of this scope; call the macro's variable something else"
    used = {path[0] for path in text.paths(found)}
    used |= {name for name in program.variables() if name.startswith(".")}
    for name in sorted(used - known.keys()):
        return f"{name} is not known here{_did_you_mean(name, known)}"
    return None


def _misnamed_function(program: Any) -> str | None:
    for name in program.functions():
        if name.isidentifier() and name[0] != "_" and name not in FUNCTIONS:
            return f"there is no function {name}(){_did_you_mean(name, FUNCTIONS)}"
    return None


def _misnamed_step(used: Iterable[text.Path], names: Sequence[str]) -> str | None:
    """The first step that does not exist. What is in a payload is known only when it ran."""
    for path in used:
        if path[0] != "steps" or len(path) == 1:
            continue
        if names and path[1] not in names:
            odd = next((n for n in names if n.startswith(f"{path[1]}-")), None)
            how = f'; write steps["{odd}"]' if odd else _did_you_mean(path[1], names)
            return f'there is no step "{path[1]}"{how}'
        if len(path) > 2 and path[2] not in ("input", "output"):
            said = _did_you_mean(path[2], ("input", "output"))
            return f'steps.{path[1]} has no "{path[2]}"{said}'
    return None


def _unknown(used: Iterable[text.Path], facts: Mapping[str, Any]) -> str | None:
    """The first name that does not lead to a value in ``facts``."""
    for path in used:
        value: Any = facts
        for number, name in enumerate(path):
            before = ".".join(path[:number])
            if not isinstance(value, Mapping):
                return f'{before} is {_kind(value)} and has no field "{name}"'
            if name not in value:
                about = f'{before} has no field "{name}"' if before else f"{name} is not known here"
                return f"{about}{_did_you_mean(name, value)}"
            value = value[name]
    return None


def _never_equal(found: Sequence[text.Token], facts: Mapping[str, Any]) -> str | None:
    """The first comparison whose sides are of different kinds: CEL answers false, for ever."""
    for path, literal in text.compared(found):
        value: Any = facts
        for name in path:
            value = value[name]
        if _kind(value) != _kind_of(literal):
            name = ".".join(path)
            return f"{name} is {_kind(value)} and never equal to {literal.text}"
    return None


def _whole_division(found: Sequence[text.Token], facts: Mapping[str, Any]) -> str | None:
    """The first count that is divided: CEL drops the rest, so that most shares are 0."""
    for path in text.divided(found):
        value: Any = facts
        for name in path:
            value = value[name]
        if type(value) is int:
            name = ".".join(path)
            how = f"multiply instead ({name} * 10 < …), or write double({name})"
            return f"{name} is a whole number, and 9 / 10 of those is 0; {how}"
    return None


def _kind_of(literal: text.Token) -> str:
    if literal.kind == "string":
        return "a text"
    if literal.text == "null":
        return "nothing"
    return "a number" if literal.kind == "number" else "true or false"


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f" (there are: {', '.join(names)})" if names else ""


def _kind(value: Any) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")


def _said(error: Exception) -> str:
    """The library's message, shorter and in our words."""
    message = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if isinstance(error, KeyError):
        return f"there is no field {message}"
    if isinstance(error, TypeError):
        return (
            "the types do not fit; CEL never converts, "
            "write double(n) to mix whole and decimal numbers (and 0.0 / 0.0 is no number)"
        )
    if message.startswith("Undefined variable or function:"):
        name = message.split("'")[1]
        fits = "does not take these values" if name in FUNCTIONS else "is not known here"
        return f"{name} {fits}" + (
            "; to look for an item of a list write: x in list" if name == "contains" else ""
        )
    return message.removesuffix(" Check function arguments and their types.")


def _syntax(message: str) -> str:
    """``column 17: unexpected end`` out of the parser's page of text."""
    _, found, rest = message.partition("ERROR: <input>:")
    if not found:
        return message.splitlines()[0][:200]
    line, column, said = rest.split(":", 2)
    said = said.strip().splitlines()[0].split(" expecting {")[0].replace("<EOF>", "the end")
    where = f"column {column}" if line == "1" else f"line {line} column {column}"
    return f"{where}: {said}"
