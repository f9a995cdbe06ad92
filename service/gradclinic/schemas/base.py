"""What all answers share."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict

Json = dict[str, Any]


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

    @classmethod
    def showing(cls, found: object, **more: object) -> Self:
        """The answer that shows an object; `more` are the fields that the object lacks."""
        return cls.model_validate(
            {name: more[name] if name in more else getattr(found, name) for name in cls.model_fields}
        )
