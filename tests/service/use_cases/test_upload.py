import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from gradclinic.experiments.uploads import from_csv, unpacked
from gradclinic.kernel.errors import BodyTooLarge, InvalidDataset, ServiceUnavailable
from gradclinic.kernel.turns import Turns
from gradclinic.use_cases import upload
from gradclinic.use_cases.upload import read_upload

MOST_BYTES = 1 << 20
CSV = b"a,b,kind\n" + b"".join(b"%d,%d,%s\n" % (n, n * n, [b"cat", b"dog"][n % 2]) for n in range(20))


def own_bytes() -> int:
    """Resident memory of this process in bytes, without what it shares."""
    pages = [int(number) for number in Path("/proc/self/statm").read_text().split()]
    return (pages[1] - pages[2]) * 4096


@contextmanager
def peak_growth() -> Iterator[list[int]]:
    """The largest growth of this process' memory while the block runs, in bytes."""
    before, found, ended = own_bytes(), [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            found[0] = max(found[0], own_bytes() - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def test_a_table_is_the_same_as_one_that_is_read_in_this_process() -> None:
    packed = read_upload(CSV, "csv", target=None, task=None, most_bytes=MOST_BYTES)
    here = from_csv(CSV, target=None, task=None, most_bytes=MOST_BYTES)
    assert packed == here.packed()
    assert np.array_equal(unpacked(packed.content)[0], here.inputs)


def test_a_refusal_says_the_place_the_value_and_what_is_allowed() -> None:
    with pytest.raises(InvalidDataset) as caught:
        read_upload(CSV + b"x,1,cat\n", "csv", target=None, task=None, most_bytes=MOST_BYTES)
    (problem,) = caught.value.problems
    assert problem.message == "row 21, column 'a': 'x' is not a number"
    assert (problem.value, problem.allowed) == ("x", "a number")


def test_a_file_that_unpacks_to_more_than_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    np.savez_compressed(file, inputs=np.full((1000, 64, 16, 16), np.nan, np.float16), targets=np.arange(1000) % 2)
    body = file.getvalue()
    assert len(body) < 100_000
    with peak_growth() as grown:
        with pytest.raises(InvalidDataset, match="nan is not a finite number"):
            read_upload(body, "npz", target=None, task=None, most_bytes=64 << 20)
        monkeypatch.setattr(upload, "MEMORY_FACTOR", 1)
        monkeypatch.setattr(upload, "FIXED_BYTES", 0)
        with pytest.raises(BodyTooLarge, match="more memory"):
            read_upload(body, "npz", target=None, task=None, most_bytes=64 << 20)
    assert grown[0] < 50e6


def test_a_file_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "SECONDS", 0.01)
    with pytest.raises(BodyTooLarge, match=r"more than 0\.01 s"):
        read_upload(CSV, "csv", target=None, task=None, most_bytes=MOST_BYTES)


def test_no_more_uploads_are_read_at_once_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "turns", Turns(at_once=1, waiting=0, wait_s=0, busy="other data sets are read"))
    with upload.turns.one(), pytest.raises(ServiceUnavailable, match="other data sets"):
        read_upload(CSV, "csv", target=None, task=None, most_bytes=MOST_BYTES)


def test_a_reader_that_breaks_is_no_error_of_the_service() -> None:
    with pytest.raises(InvalidDataset, match="not a readable npz file"):
        read_upload(b"PK", "npz", target=None, task=None, most_bytes=MOST_BYTES)
