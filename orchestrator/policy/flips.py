"""What would have flipped a clause, as far as its text tells.

Small and honest: understands terms joined by ``&&`` alone or ``||`` alone, and
simple comparisons in them. Where it cannot tell it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.policy.clause import look_up
from orchestrator.policy.rules import RuleError, evaluate
from orchestrator.policy.tokens import Token, tokens

__all__ = ["flips", "shown"]

_WORDS = {
    "==": "be", "!=": "not be", "<=": "be at most", ">=": "be at least",
    "<": "be less than", ">": "be more than",
}  # fmt: skip
_OPPOSITE = {"==": "!=", "!=": "==", "<=": ">", ">=": "<", "<": ">=", ">": "<="}
_TRUTHS = {"true": "false", "false": "true"}
_JOINS = ("&&", "||")


def flips(expression: str, facts: Mapping[str, Any], wanted: bool) -> list[str]:
    """What would have to be different for ``expression`` to be ``wanted``.

    Every entry is needed; within an entry, `` or `` separates what each would do.
    Empty when it is ``wanted`` already or cannot be told.
    """
    split = _terms(expression)
    if split is None:
        return []
    join, terms = split
    try:
        holding = [evaluate(term, facts) for term in terms]
    except RuleError:
        return []
    in_the_way = [term for term, holds in zip(terms, holding, strict=True) if holds is not wanted]
    needed = [_needed(term, facts, wanted) for term in in_the_way]
    if len(terms) == 1 or (join == "&&") is wanted:
        return needed
    # One term decides the whole: all the others stand in the way only together.
    return [" or ".join(needed)] if len(in_the_way) == len(terms) else []


def _terms(expression: str) -> tuple[str, list[str]] | None:
    """The operator and the terms it joins, or None when operators are mixed at the top."""
    found = tokens(expression)
    cuts, level = [], 0
    for token in found:
        level += (token.text in "([{") - (token.text in ")]}") if token.kind == "sign" else 0
        if level == 0 and token.kind == "sign":
            if token.text == "?":
                return None
            if token.text in _JOINS:
                cuts.append(token)
    if len({cut.text for cut in cuts}) > 1 or "//" in expression:
        return None
    return (cuts[0].text if cuts else ""), _between(expression, cuts)


def _between(expression: str, cuts: Sequence[Token]) -> list[str]:
    starts = [0, *(cut.at + len(cut.text) for cut in cuts)]
    ends = [*(cut.at for cut in cuts), len(expression)]
    return [expression[start:end].strip() for start, end in zip(starts, ends, strict=True)]


def _needed(term: str, facts: Mapping[str, Any], wanted: bool) -> str:
    values = look_up(term, facts)
    comparison = _comparison(term)
    if comparison is not None and len(values) == 1:
        name, sign, bound = comparison
        sign = sign if wanted else _OPPOSITE[sign]
        if sign == "!=" and bound in _TRUTHS:
            sign, bound = "==", _TRUTHS[bound]
        return f"{name} would have to {_WORDS[sign]} {bound} (it is {shown(values[name])})"
    said = ", ".join(f"{name} is {shown(value)}" for name, value in values.items())
    return f"`{term}` would have to be {str(wanted).lower()}" + (f" ({said})" if said else "")


def _comparison(term: str) -> tuple[str, str, str] | None:
    """``report.failed == 0`` as name, sign and bound; ``handoff.notes`` as ``== true``."""
    found = tokens(term)
    names = [t for t in found if t.kind == "name"]
    dotted = term.removeprefix("!").strip()
    if "".join(t.text for t in found).removeprefix("!") == ".".join(t.text for t in names):
        return dotted, "==", "false" if term.startswith("!") else "true"
    if len(found) < 3 or found[-2].text not in _WORDS:
        return None
    left, sign, bound = found[:-2], found[-2].text, found[-1]
    plain = "".join(t.text for t in left) == ".".join(t.text for t in left if t.kind == "name")
    literal = bound.kind in ("number", "string") or bound.text in _TRUTHS
    return ("".join(t.text for t in left), sign, bound.text) if plain and literal else None


def shown(value: Any) -> str:
    """A value as a rule would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, str):
        return f'"{value}"'
    return f"{value:.6g}" if isinstance(value, float) else str(value)
