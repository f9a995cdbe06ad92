"""Damaged files of all formats are refused, in whatever way they are damaged."""

import io
import multiprocessing
import resource
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gradclinic.experiments.uploads import UploadFormat, read
from gradclinic.kernel.errors import InvalidDataset

FILES = 300
MOST_BYTES = 1 << 20
GIB = 1 << 30


def whole(upload_format: UploadFormat) -> bytes:
    rows = np.arange(60).reshape(20, 3) / 7
    file = io.BytesIO()
    if upload_format == "npz":
        np.savez_compressed(file, inputs=rows, targets=np.arange(20) % 2)
    elif upload_format == "parquet":
        table = {"a": rows[:, 0], "b": rows[:, 1].astype(np.float32), "kind": ["cat", "dog"] * 10}
        pq.write_table(pa.table(table), file, compression="zstd")
    else:
        file.write(b"a,b,kind\n" + b"".join(b'%f,%f,"cat, %d"\n' % (*row[:2], i % 2) for i, row in enumerate(rows)))
    return file.getvalue()


def damaged(body: bytes, rng: np.random.Generator) -> bytes:
    """Random bytes, or the file cut off, with bytes changed, with a part left out or with a part twice."""
    changed = bytearray(body)
    first, last = sorted(int(place) for place in rng.integers(len(body), size=2))
    match rng.integers(5):
        case 0:
            return rng.bytes(int(rng.integers(400)))
        case 1:
            return body[:first]
        case 2:
            for place in rng.integers(len(body), size=rng.integers(1, 9)):
                changed[place] = rng.integers(256)
            return bytes(changed)
        case 3:
            return body[:first] + body[last:]
        case _:
            return body[:last] + body[first:]


def outcomes(upload_format: UploadFormat) -> Counter[str]:
    """What reading many damaged files ends with, within 1 GiB."""
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + GIB,) * 2)
    rng, body, found = np.random.default_rng(0), whole(upload_format), Counter[str]()
    for _ in range(FILES):
        try:
            read(damaged(body, rng), upload_format, target=None, task=None, most_bytes=MOST_BYTES)
            found["table"] += 1
        except InvalidDataset:
            found["refused"] += 1
        except MemoryError:
            found["too large"] += 1
        except Exception as error:  # noqa: BLE001  # the test says what there is none of
            found[repr(error)] += 1
    return found


@pytest.mark.parametrize("upload_format", ["npz", "csv", "parquet"])
def test_a_damaged_file_is_a_table_or_refused_and_never_breaks_the_reader(upload_format: UploadFormat) -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        found = process.submit(outcomes, upload_format).result(timeout=120)
    assert found.keys() <= {"table", "refused", "too large"}
    assert found["refused"] > FILES / 2


@pytest.mark.parametrize("upload_format", ["npz", "csv", "parquet"])
def test_a_whole_file_is_a_table(upload_format: UploadFormat) -> None:
    table = read(whole(upload_format), upload_format, target=None, task=None, most_bytes=MOST_BYTES)
    assert (len(table.inputs), table.outputs) == (20, 2)
