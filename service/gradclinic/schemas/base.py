"""What all answers share."""

from typing import Any

from pydantic import BaseModel, ConfigDict

Json = dict[str, Any]


class Answer(BaseModel):
    """Part of an answer. Non-finite numbers are the strings "NaN", "Infinity", "-Infinity"."""

    model_config = ConfigDict(ser_json_inf_nan="strings", use_attribute_docstrings=True)
