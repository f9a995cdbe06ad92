"""What all answers share."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, PrivateAttr
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ..kernel.json import JsonObject

Json = dict[str, Any]


_WORDS = {"type": "string", "pattern": "^(NaN|-?Infinity)$"}
_BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}


class Answer(BaseModel):
    """Part of an answer: it has its fields and no others, and can be read off an object that has them.

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
        """The answer that shows an object; `more` are the fields that the object lacks."""
        return cls.model_validate(
            {name: more[name] if name in more else getattr(found, name) for name in cls.model_fields}
        )

    @classmethod
    def parse(cls, document: Any) -> Self:
        """An answer of a service of any version: keys that this version does not know are left out.

        Raises ValidationError where something is missing, or is not what this version knows.
        """
        parsed = cls.model_validate(document, extra="ignore")
        parsed._document = document
        return parsed

    def __getitem__(self, key: str) -> Any:
        """A field by its JSON key, as the service sent it; raises KeyError for a key that it did not send."""
        if self._document:
            return self._document[key]
        if key not in type(self).model_fields:
            raise KeyError(key)
        return getattr(self, key)

    @property
    def document(self) -> JsonObject:
        """The JSON that it was parsed from, whole; empty where it was not parsed."""
        return self._document

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema, in which a number without bounds may be one of the three strings."""
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
