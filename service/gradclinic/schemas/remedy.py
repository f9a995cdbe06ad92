"""A remedy in a response. The catalogue of remedies is only loaded when the first remedy is parsed or described.

So clients, and commands without remedies, start without importing numpy and the models of all layers, optimizers and
data sets.
"""

from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from ..kernel.spec import Spec

if TYPE_CHECKING:
    from ..remedies import Remedy

    AnyRemedy: TypeAlias = Remedy
else:

    class AnyRemedy:
        """Any remedy, identified by its `kind`."""

        @classmethod
        def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
            written = core_schema.plain_serializer_function_ser_schema(Spec.to_json)
            return core_schema.no_info_plain_validator_function(_read, serialization=written)

        @classmethod
        def __get_pydantic_json_schema__(cls, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
            return handler(_remedies().core_schema)


def _read(value: object) -> "Remedy":
    return _remedies().validate_python(value)


@cache
def _remedies() -> "TypeAdapter[Remedy]":
    from .. import remedies

    return TypeAdapter(remedies.AnyRemedy)
