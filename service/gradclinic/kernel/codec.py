"""The one codec of stored documents: typed values to JSON and back.

    document = encode(diagnosis)
    assert decode(Diagnosis, document) == diagnosis

Fields are read by their types: a tuple from a JSON array, a time from its ISO form, a float from a number or from
"NaN", "Infinity" and "-Infinity". Keys that this version does not know are ignored, and absent ones take their
defaults, so that the documents of other versions can be read.
"""

from typing import Any, TypeVar

from pydantic import TypeAdapter

from .json import JsonObject

Value = TypeVar("Value")


def encode(value: object) -> JsonObject:
    """The value as a JSON object; NaN and infinity stay floats, which the database's column type spells."""
    document: JsonObject = _adapter(type(value)).dump_python(value, mode="json")
    return document


def decode(cls: type[Value], document: JsonObject) -> Value:
    """The value that was encoded; raises pydantic's ValidationError where a field is missing or has another type."""
    value: Value = _adapter(cls).validate_python(document)
    return value


_ADAPTERS: dict[object, TypeAdapter[Any]] = {}


def _adapter(cls: type[object]) -> TypeAdapter[Any]:
    """Each type's adapter, built once."""
    if cls not in _ADAPTERS:
        _ADAPTERS[cls] = TypeAdapter(cls)
    return _ADAPTERS[cls]
