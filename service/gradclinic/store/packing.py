"""Statistics as packed chunks: steps as little-endian int32, values as little-endian float32 [n, places]."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..measurements.record import Series

CODEC = "f4le"


def pack(run_id: str, series: Mapping[str, Series]) -> list[dict[str, object]]:
    """One row of `chunks` for each statistic with new values."""
    return [
        {
            "run_id": run_id,
            "statistic": name,
            "first_step": int(window.steps[0]),
            "last_step": int(window.steps[-1]),
            "n": len(window),
            "places": window.values.shape[1],
            "codec": CODEC,
            "steps": np.ascontiguousarray(window.steps, "<i4").tobytes(),
            "values": np.ascontiguousarray(window.values, "<f4").tobytes(),
        }
        for name, window in series.items()
        if len(window)
    ]


def bytes_of(series: Series) -> int:
    """Packed size of a series in bytes."""
    return int(series.steps.size + series.values.size) * 4


def unpack(rows: Sequence[Any]) -> Series:
    """The series that a statistic's chunks form, in order."""
    steps = [np.frombuffer(row.steps, "<i4") for row in rows]
    values = [np.frombuffer(row.values, "<f4").reshape(row.n, row.places) for row in rows]
    return Series(np.concatenate(steps).astype(np.int32), np.concatenate(values).astype(np.float32))
