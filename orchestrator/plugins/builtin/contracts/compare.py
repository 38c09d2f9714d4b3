"""Whether one schema still admits what another admits: yes, no with an example, or unknown.

Three-valued throughout. "No" comes from a proof by the library, or from an
example that is valid under one schema and invalid under the other; "unknown"
is said with its reason and never read as either.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.plugins.builtin.contracts import recursion, schemas, wide
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
        proven = recursion.proves(pair.reader, pair.writer) or wide.proves(pair.reader, pair.writer)
        answer = Answer.YES if proven else answer
    if answer is Answer.YES:
        return Comparison(answer)
    lost = schemas.lost(pair.writer, pair.reader)
    differences = tuple(explain(pair))
    example = differences[0].example if differences else pair.any_example(lost)
    if example is not None or answer is Answer.NO:
        return Comparison(Answer.NO, lost, example, differences)
    return Comparison(
        Answer.UNKNOWN,
        lost,
        reason="neither a proof that everything is still admitted was found, nor a value that "
        "is not",
    )
