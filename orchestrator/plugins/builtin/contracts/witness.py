"""A second opinion on examples: another library, on the documents as they were written.

What breaks is found with one library on rewritten schemas. Before anybody is
told, the value is judged again by ``jsonschema`` under the original documents
and their own drafts. Where the two disagree, nothing is proven.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.plugins.builtin.contracts.dialects import OPENAPI_30
from orchestrator.plugins.builtin.contracts.documents import Unreadable, inside, loads
from orchestrator.plugins.builtin.contracts.normal import Source
from orchestrator.plugins.spec import Json

__all__ = ["Witness", "of"]

#: Whether a value is valid for the writer and invalid for the reader; None: cannot say.
Witness = Callable[[Json], "bool | None"]

_HERE = "repository:///"


def of(writer: Source, reader: Source) -> Witness:
    """The witness of a pair of schemas. Makes its validators when first asked."""
    made: list[Any] = []  # the library's validators; None where it has none for a dialect

    def judge(value: Json) -> bool | None:
        if not made:
            made.extend((_validator(writer), _validator(reader)))
        sent, read = (_valid(validator, value) for validator in made)
        return None if sent is None or read is None else sent and not read

    return judge


def _valid(validator: Any, value: Json) -> bool | None:  # Any: the library's own protocol
    """None where the library cannot tell: an expression it does not know, a far reference."""
    if validator is None:
        return None
    try:
        return bool(validator.is_valid(value))
    except Exception:  # whatever a validator raises for a schema it cannot apply
        return None


def _validator(source: Source) -> Any:  # Any: as above
    import jsonschema
    import referencing
    from referencing.exceptions import NoSuchResource
    from referencing.jsonschema import specification_with

    classes = {
        4: jsonschema.Draft4Validator,
        6: jsonschema.Draft6Validator,
        7: jsonschema.Draft7Validator,
        19: jsonschema.Draft201909Validator,
        20: jsonschema.Draft202012Validator,
    }
    if source.dialect == OPENAPI_30:
        return None
    cls = classes[source.dialect]
    specification = specification_with(str(cls.META_SCHEMA["$schema"]))

    def retrieve(uri: str) -> Any:
        path = inside("", uri.removeprefix(_HERE)) if uri.startswith(_HERE) else None
        content = source.read(path) if path else None
        if content is None or path is None:
            raise NoSuchResource(ref=uri)  # type: ignore[call-arg]  # attrs
        try:
            return specification.create_resource(loads(content, path))
        except Unreadable as error:
            raise NoSuchResource(ref=uri) from error  # type: ignore[call-arg]  # attrs

    registry: Any = referencing.Registry(retrieve=retrieve)  # type: ignore[call-arg]  # attrs
    root = specification.create_resource(source.document)
    registry = registry.with_resource(_HERE + source.path, root)
    return cls({"$ref": _HERE + source.path}, registry=registry)
