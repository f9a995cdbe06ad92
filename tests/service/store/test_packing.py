from dataclasses import dataclass, replace

import numpy as np
import pytest

from gradclinic.kernel.errors import DamagedData
from gradclinic.measurements.record import Series
from gradclinic.store.packing import pack, unpack

SERIES = Series(np.array([3, 4, 9], np.int32), np.array([[1, 2], [3, np.nan], [5, 6]], np.float32))


@dataclass(frozen=True)
class Chunk:
    """A row of `chunks`."""

    run_id: str
    statistic: str
    first_step: int
    last_step: int
    n: int
    places: int
    codec: str
    steps: bytes
    values: bytes


def chunk() -> Chunk:
    (row,) = pack("run_1", {"loss": SERIES})
    return Chunk(**row)


def test_what_was_packed_is_what_is_unpacked() -> None:
    found = unpack([chunk(), chunk()])
    assert found.steps.tolist() == [3, 4, 9] * 2
    assert np.array_equal(found.values, np.concatenate([SERIES.values] * 2), equal_nan=True)


@pytest.mark.parametrize(
    "damage",
    [
        {"values": chunk().values[:7]},
        {"steps": chunk().steps[:5]},
        {"steps": bytes(12)},
        {"n": -5},
        {"n": 0},
        {"n": 2},
        {"places": 3},
        {"steps": np.array([3, 2, 9], "<i4").tobytes()},
        {"steps": np.array([3, 4, 8], "<i4").tobytes()},
    ],
)
def test_a_chunk_that_is_not_what_was_written_is_not_served(damage: dict) -> None:
    with pytest.raises(DamagedData, match="loss from step 3 to 9 is damaged"):
        unpack([replace(chunk(), **damage)])
