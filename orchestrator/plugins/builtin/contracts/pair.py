"""A writer's schema and a reader's: what may be sent, and what of it is refused.

Finds values that are sent and refused; whether there are any is for ``compare``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from orchestrator.plugins.builtin.contracts import schemas
from orchestrator.plugins.builtin.contracts.closing import closed
from orchestrator.plugins.builtin.contracts.instances import constants, instances
from orchestrator.plugins.builtin.contracts.witness import Witness
from orchestrator.plugins.spec import Json

__all__ = ["Example", "Pair"]

#: Candidates tested before the search for an example ends.
_CANDIDATES = 6000
_OBJECTIONS = 50


@dataclass(frozen=True, slots=True)
class Example:
    """A value the writer may send and the reader refuses; boxed, because it may be null."""

    value: Json


class Pair:
    """A writer's and a reader's schema, normalised, ready to be compared.

    ``content_model`` is closed or open, see ``closing``. ``seeds`` are values
    people wrote (samples), tried as examples first. ``witness`` has to agree
    that an example is one.
    """

    def __init__(
        self,
        writer: Mapping[str, Json],
        reader: Mapping[str, Json],
        *,
        content_model: str = "closed",
        seeds: Sequence[Json] = (),
        witness: Witness | None = None,
    ) -> None:
        #: Whether the witness refused an example that would otherwise have been one.
        self.contested = False
        self._witness = witness
        self._refused = 0
        self.unchanged = writer == reader
        self.reader = dict(reader)
        self.writer = closed(writer) if content_model == "closed" else dict(writer)
        self._seeds = tuple(seeds)
        self._written = schemas.admits(writer)
        self._sent = schemas.admits(self.writer)
        self._read = schemas.admits(reader)
        self._constants = constants(self.writer, self.reader)

    def breaks(self, value: Json) -> bool:
        """Whether the writer may send ``value`` and the reader refuses it."""
        return self._written(value) and self._sent(value) and not self._read(value)

    def example(self, *narrower: Json) -> Example | None:
        """A value that breaks, looked for in the narrower schemas first."""
        made = (instances(schema, self._constants) for schema in narrower if schema is not None)
        return self._first(chain.from_iterable(islice(m, _CANDIDATES) for m in made))

    def any_example(self, lost: Json | None) -> Example | None:
        """A value that breaks, looked for everywhere."""
        reduced = schemas.reduced(self.writer)
        return (
            self._first(chain(self._seeds, self._changed_seeds()))
            or self.example(lost, reduced, self.writer)
        )  # fmt: skip

    def _first(self, candidates: Iterable[Json]) -> Example | None:
        breaking = (value for value in candidates if self.breaks(value))
        return next((Example(value) for value in breaking if self._attested(value)), None)

    def _attested(self, value: Json) -> bool:
        """Whether the witness does not object; after a few objections it is not asked again."""
        if self._refused >= _OBJECTIONS:
            return False
        if self._witness is not None and self._witness(value) is False:
            self._refused += 1
            self.contested = True
            return False
        return True

    def _changed_seeds(self) -> Iterator[Json]:
        """The seeds with one plain value replaced, or one property left out."""
        for seed in self._seeds[:20]:
            yield from islice(_mutations(seed, self._constants), 500)


def _mutations(value: Json, replacements: Sequence[Json]) -> Iterator[Json]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield {key: other for key, other in value.items() if key != name}
            yield from ({**value, name: changed} for changed in _mutations(part, replacements))
    elif isinstance(value, list):
        yield []
        for index, part in enumerate(value):
            for changed in _mutations(part, replacements):
                yield [*value[:index], changed, *value[index + 1 :]]
    else:
        yield from (*replacements, None, "", 0)
