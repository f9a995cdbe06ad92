"""JSON in which NaN and infinity are the strings "NaN", "Infinity", "-Infinity"."""

import json
import math
from typing import Any

from fastapi.responses import JSONResponse


def plain(value: Any) -> Any:
    """The value with every non-finite number as its string; tuples become lists."""
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def dump(value: Any) -> bytes:
    """UTF-8 JSON; characters that UTF-8 cannot encode (lone surrogates) stay escaped."""
    text = json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(plain(value), allow_nan=False, separators=(",", ":"), default=str).encode()


class PlainJSON(JSONResponse):
    """A JSON response in which non-finite numbers are strings."""

    def render(self, content: Any) -> bytes:
        return dump(content)
