"""The codec for stored documents: typed values to JSON and back.

    document = encode(diagnosis)
    assert decode(Diagnosis, document) == diagnosis

Fields are read by their types: a tuple from a JSON array, a time from its ISO form, a float from a number or from
"NaN", "Infinity" and "-Infinity". Unknown keys are ignored and missing keys take their defaults, so documents of
other versions can be read.
"""

from typing import Any, TypeVar

from pydantic import TypeAdapter

from .json import JsonObject

Value = TypeVar("Value")


def encode(value: object) -> JsonObject:
    """The value as a JSON object. NaN and infinity stay floats; the database's column type encodes them."""
    document: JsonObject = _adapter(type(value)).dump_python(value, mode="json")
    return document


def decode(cls: type[Value], document: JsonObject) -> Value:
    """The encoded value; raises pydantic's ValidationError if a field is missing or has the wrong type."""
    value: Value = _adapter(cls).validate_python(document)
    return value


_ADAPTERS: dict[object, TypeAdapter[Any]] = {}


def _adapter(cls: type[object]) -> TypeAdapter[Any]:
    """The adapter of a type, cached."""
    if cls not in _ADAPTERS:
        _ADAPTERS[cls] = TypeAdapter(cls)
    return _ADAPTERS[cls]
