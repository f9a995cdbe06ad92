"""The base class of all responses."""

from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, PrivateAttr
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from typing_extensions import Self

from ..kernel.json import JsonObject

Json = dict[str, Any]


_WORDS = {"type": "string", "pattern": "^(NaN|-?Infinity)$"}
_BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}


class Answer(BaseModel):
    """A response, or part of one. It forbids unknown fields, and can be created from any object with these attributes.

    Non-finite numbers are the strings "NaN", "Infinity", "-Infinity".
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        from_attributes=True,
        json_schema_serialization_defaults_required=True,
        ser_json_inf_nan="strings",
        use_attribute_docstrings=True,
    )

    _document: JsonObject = PrivateAttr(default_factory=dict)

    @classmethod
    def showing(cls, found: object, **more: object) -> Self:
        """The response for an object; `more` are the fields that the object does not have."""
        return cls.model_validate(
            {name: more[name] if name in more else getattr(found, name) for name in cls.model_fields}
        )

    @classmethod
    def parse(cls, document: Any) -> Self:
        """Parse a response of a service of any version; unknown keys are ignored.

        Raises ValidationError if something is missing or unknown to this version.
        """
        parsed = cls.model_validate(document, extra="ignore")
        parsed._document = document
        return parsed

    def __getitem__(self, key: str) -> Any:
        """A field by its JSON key, as the service sent it; raises KeyError for a missing key."""
        if self._document:
            return self._document[key]
        if key not in type(self).model_fields:
            raise KeyError(key)
        return getattr(self, key)

    @property
    def document(self) -> JsonObject:
        """The complete JSON from which it was parsed; empty if it was not parsed."""
        return self._document

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema; numbers without bounds may also be one of the three strings."""
        found = handler(core_schema)
        described = handler.resolve_ref_schema(found)
        for name, field in described.get("properties", {}).items():
            described["properties"][name] = _with_words(field)
        return found


def _with_words(schema: JsonSchemaValue) -> JsonSchemaValue:
    if schema.get("type") == "number" and not schema.keys() & _BOUNDS:
        rest = {key: value for key, value in schema.items() if key != "type"}
        return {"anyOf": [{"type": "number"}, _WORDS], **rest}
    changed = dict(schema)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            changed[key] = _with_words(schema[key])
    if "anyOf" in schema:
        branches = [_with_words(branch) for branch in schema["anyOf"]]
        changed["anyOf"] = [
            part for each in branches for part in (each["anyOf"] if each.keys() == {"anyOf"} else [each])
        ]
    return changed
