"""Whether one schema still admits what another admits: yes, no with an example, or unknown.

Three-valued throughout. "Yes" is proven. "No" comes with an example that is
valid under one schema and invalid under the other. "Unknown" is said with its
reason and never read as either.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.plugins.builtin.contracts import proofs, schemas
from orchestrator.plugins.builtin.contracts.explain import Difference, explain
from orchestrator.plugins.builtin.contracts.pair import Example, Pair
from orchestrator.plugins.builtin.contracts.schemas import Answer
from orchestrator.plugins.spec import Json

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether the reader admits what the writer admits.

    ``lost`` is the schema of exactly what is refused, where it can be written.
    ``differences`` are the places that could be named. ``reason`` says why an
    answer is unknown.
    """

    answer: Answer
    lost: Json | None = None
    example: Example | None = None
    differences: tuple[Difference, ...] = ()
    reason: str = ""


def compare(pair: Pair) -> Comparison:
    """Compare; never raises for what the schemas contain."""
    if pair.unchanged:
        return Comparison(Answer.YES)
    answer = schemas.covers(pair.reader, pair.writer)
    if answer is Answer.UNKNOWN:
        answer = Answer.YES if proofs.proves(pair.reader, pair.writer) else answer
    if answer is Answer.YES:
        return Comparison(answer)
    lost = schemas.lost(pair.writer, pair.reader)
    differences = tuple(explain(pair))
    example = differences[0].example if differences else pair.any_example(lost)
    if example is not None:
        return Comparison(Answer.NO, lost, example, differences)
    return Comparison(Answer.UNKNOWN, lost, reason=_unproven(pair, answer))


def _unproven(pair: Pair, answer: Answer) -> str:
    """Why nothing is said: a break without a value that shows it is not claimed."""
    if pair.contested:
        return "two validators disagree about the values that would show a break"
    if answer is Answer.NO:
        return "something seems to be refused, and no value was found that shows it"
    return "neither a proof that everything is still admitted was found, nor a value that is not"
