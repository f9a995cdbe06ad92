import zlib
from dataclasses import replace

import numpy as np
import pytest

from gradclinic.kernel.errors import DamagedData
from gradclinic.measurements.record import Series
from gradclinic.store.packing import COMPRESSED, RAW, Chunk, Codec, pack, unpack

SERIES = Series(np.array([3, 4, 9], np.int32), np.array([[1, 2], [3, np.nan], [5, 6]], np.float32))


def chunk(codec: Codec = RAW) -> Chunk:
    (only,) = pack("run_1", {"loss": SERIES}, codec=codec)
    return only


@pytest.mark.parametrize("codec", [RAW, COMPRESSED])
def test_what_was_packed_is_what_is_unpacked(codec: Codec) -> None:
    found = unpack([chunk(codec), chunk()])
    assert (found.steps.dtype, found.values.dtype) == (np.int32, np.float32)
    assert found.steps.tolist() == [3, 4, 9] * 2
    assert np.array_equal(found.values, np.concatenate([SERIES.values] * 2), equal_nan=True)


@pytest.mark.parametrize("codec", [RAW, COMPRESSED])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (500, 1), (300, 31)])
def test_each_bit_of_a_value_is_kept(codec: Codec, shape: tuple[int, int]) -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, size=shape, dtype=np.uint32)
    steps = np.arange(shape[0], dtype=np.int32) * 7
    found = unpack(pack("run_1", {"loss": Series(steps, bits.view(np.float32))}, codec=codec))
    assert np.array_equal(found.steps, steps)
    assert np.array_equal(found.values.view(np.uint32), bits)


def test_values_of_about_one_size_and_regular_steps_take_less() -> None:
    values = (1 + 0.1 * np.random.default_rng(0).normal(size=(300, 30))).astype(np.float32)
    (only,) = pack("run_1", {"loss": Series(np.arange(300, dtype=np.int32), values)}, codec=COMPRESSED)
    assert len(only.values) < 3.2 * values.size
    assert len(only.steps) < 30


@pytest.mark.parametrize(
    "damage",
    [
        {"values": chunk(COMPRESSED).values[:-1]},
        {"values": chunk(COMPRESSED).values[:-1] + b"x"},
        {"values": b""},
        {"values": b"no zlib"},
        {"values": zlib.compress(bytes(10**6))},
        {"steps": chunk(COMPRESSED).steps[:5]},
        {"steps": zlib.compress(np.array([3, 0, 6], "<i4").tobytes())},
        {"n": -5},
        {"n": 0},
        {"n": 2},
        {"places": 3},
        {"codec": RAW},
    ],
)
def test_a_compressed_chunk_that_is_not_what_was_written_is_not_served(damage: dict) -> None:
    with pytest.raises(DamagedData, match="loss from step 3 to 9 is damaged"):
        unpack([replace(chunk(COMPRESSED), **damage)])


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
