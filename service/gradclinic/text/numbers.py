"""Numbers for people."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..kernel.numbers import number


def short(value: Any, *, digits: int = 3, aligned: bool = False) -> str:
    """A number with three significant digits, or its name if not finite; `-` for None. `aligned` keeps zeros."""
    value = number(value)
    if value is None:
        return "-"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e5:
        text = f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"
        return text.rstrip("0").rstrip(".") if "." in text and not aligned else text
    return f"{value:.{digits - 1}g}"


def factor(value: Any) -> str:
    """A ratio with two decimals, or with two significant digits if it is small."""
    value = number(value)
    if value is None or not math.isfinite(value) or not 0.1 <= abs(value) < 100:
        return short(value, digits=2)
    return f"{value:.2f}"


def gradient_decay(value: Any) -> str:
    """A gradient decay in words: `shrinks by a factor of 10^9.3`, `grows by a factor of 10^0.2`."""
    value = number(value)
    if value is None:
        return "no profile"
    if math.isinf(value):
        return "becomes exactly zero" if value > 0 else "is not finite"
    return f"{'shrinks' if value >= 0 else 'grows'} by a factor of 10^{abs(value):.1f}"


def minute(moment: datetime | None) -> str:
    """A time in minutes, for example `2026-03-01 04:00 UTC`."""
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def at_point(point: Mapping[str, object] | None) -> str:
    """The point of a sweep, for example ` at learning_rate 0.1, depth 4`; nothing without a sweep."""
    if not point:
        return ""
    return " at " + ", ".join(f"{pointer.rsplit('/', 1)[-1]} {short(value)}" for pointer, value in point.items())
