"""Non-finite numbers, written in JSON as the strings "NaN", "Infinity" and "-Infinity"."""

from typing import Any

_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def number(value: Any) -> Any:
    """A JSON value with the strings "NaN", "Infinity" and "-Infinity" replaced by floats."""
    return _NUMBERS.get(value, value) if isinstance(value, str) else value
