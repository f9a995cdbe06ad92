"""What all answers share."""

from typing import Any

from pydantic import BaseModel, ConfigDict

Json = dict[str, Any]

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""Names of baselines and schedules, which stand in addresses."""


class Answer(BaseModel):
    """Part of an answer. Non-finite numbers are the strings "NaN", "Infinity", "-Infinity"."""

    model_config = ConfigDict(ser_json_inf_nan="strings", use_attribute_docstrings=True)
