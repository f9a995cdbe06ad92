"""Numbers that are not finite: in JSON they are the strings "NaN", "Infinity" and "-Infinity"."""

from typing import Any

_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def number(value: Any) -> Any:
    """A JSON value with "NaN", "Infinity" and "-Infinity" as the floats that they stand for."""
    return _NUMBERS.get(value, value) if isinstance(value, str) else value
