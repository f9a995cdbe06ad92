"""What all answers share."""

from typing import Any

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
