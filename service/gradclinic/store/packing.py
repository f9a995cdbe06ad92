"""Statistics as packed chunks: steps as little-endian int32, values as little-endian float32 [n, places]."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..kernel.errors import DamagedData
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
    """The series that a statistic's chunks form, in order; raises DamagedData if one is not what was written."""
    chunks = [_unpack_one(row) for row in rows]
    return Series(np.concatenate([chunk.steps for chunk in chunks]), np.concatenate([chunk.values for chunk in chunks]))


def _unpack_one(row: Any) -> Series:
    is_whole = row.n > 0 and len(row.steps) == 4 * row.n and len(row.values) == 4 * row.n * row.places
    steps = np.frombuffer(row.steps, "<i4").astype(np.int32) if is_whole else np.zeros(0, np.int32)
    ends = [int(step) for step in (*steps[:1], *steps[-1:])]
    if ends != [row.first_step, row.last_step] or not np.all(np.diff(steps) > 0):
        raise DamagedData(
            f"what is stored of {row.statistic} from step {row.first_step:,} to {row.last_step:,} is damaged"
        )
    return Series(steps, np.frombuffer(row.values, "<f4").reshape(row.n, row.places).astype(np.float32))
