"""Statistics as packed chunks: their steps and values as bytes, raw while a run goes on, and compressed at its end.

| codec | steps | values |
|---|---|---|
| `f4le` | little-endian int32 [n] | little-endian float32 [n, places] |
| `f4le-zlib` | differences of the same, in zlib's format | the first bytes of all values, then the second ones, ... |

Neighbouring values have nearly the same exponents, so bytes of one place compress well beside each other; nothing is
lost. zlib keeps a checksum, so damage is noticed.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..kernel.errors import DamagedData
from ..measurements.record import Series

Codec = Literal["f4le", "f4le-zlib"]
RAW: Codec = "f4le"
COMPRESSED: Codec = "f4le-zlib"
_LEVEL = 6
_WIDTH = 4
"""Bytes of a step, and of a value."""


@dataclass(frozen=True)
class Chunk:
    """A stored part of a statistic of a run; its fields are the columns of `chunks`."""

    run_id: str
    statistic: str
    first_step: int
    last_step: int
    n: int
    places: int
    codec: str
    steps: bytes
    values: bytes

    def row(self) -> dict[str, object]:
        """The row of `chunks`."""
        return dict(vars(self))


def pack(run_id: str, series: Mapping[str, Series], *, codec: Codec = RAW) -> list[Chunk]:
    """One chunk for each statistic with new values."""
    return [
        Chunk(
            run_id,
            name,
            first_step=int(window.steps[0]),
            last_step=int(window.steps[-1]),
            n=len(window),
            places=window.values.shape[1],
            codec=codec,
            steps=_encoded_steps(window, codec),
            values=_encoded_values(window, codec),
        )
        for name, window in series.items()
        if len(window)
    ]


def bytes_of(series: Series) -> int:
    """Size of a series in bytes before compression."""
    return int(series.steps.size + series.values.size) * _WIDTH


def unpack(rows: Sequence[Any]) -> Series:
    """The series that a statistic's chunks form, in order; raises DamagedData if one is not what was written."""
    chunks = [_unpack_one(row) for row in rows]
    return Series(np.concatenate([chunk.steps for chunk in chunks]), np.concatenate([chunk.values for chunk in chunks]))


def _encoded_steps(series: Series, codec: Codec) -> bytes:
    steps = np.ascontiguousarray(series.steps, "<i4")
    if codec == RAW:
        return steps.tobytes()
    return zlib.compress(np.diff(steps, prepend=np.zeros(1, "<i4")).astype("<i4").tobytes(), _LEVEL)


def _encoded_values(series: Series, codec: Codec) -> bytes:
    values = np.ascontiguousarray(series.values, "<f4")
    if codec == RAW:
        return values.tobytes()
    return zlib.compress(values.view(np.uint8).reshape(-1, _WIDTH).T.tobytes(), _LEVEL)


def _unpack_one(row: Any) -> Series:
    try:
        series = _decoded(row)
    except (ValueError, zlib.error):
        series = Series.empty(row.places)
    ends = [int(step) for step in (*series.steps[:1], *series.steps[-1:])]
    if ends != [row.first_step, row.last_step] or not np.all(np.diff(series.steps) > 0):
        raise DamagedData(
            f"what is stored of {row.statistic} from step {row.first_step:,} to {row.last_step:,} is damaged"
        )
    return series


def _decoded(row: Any) -> Series:
    """The content of a chunk; raises ValueError or zlib.error if it is not as long as its row says."""
    steps, values = row.steps, row.values
    if row.codec == COMPRESSED:
        steps, values = _inflated(steps, row.n), _inflated(values, row.n * row.places)
        steps = np.frombuffer(steps, "<i4").cumsum(dtype=np.int32)
        values = np.frombuffer(values, np.uint8).reshape(_WIDTH, -1).T.tobytes()
    else:
        steps = np.frombuffer(steps, "<i4").astype(np.int32)
    if len(steps) != row.n:
        raise ValueError("the number of steps differs")
    return Series(steps, np.frombuffer(values, "<f4").reshape(row.n, row.places).astype(np.float32))


def _inflated(compressed: bytes, count: int) -> bytes:
    """The content, which is not read further than what is expected of it."""
    size = _WIDTH * max(count, 0)
    reader = zlib.decompressobj()
    content = reader.decompress(compressed, size + 1)
    if len(content) != size or not reader.eof:
        raise ValueError("the length differs")
    return content
