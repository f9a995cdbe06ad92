"""Reading a body costs about the same whether it is accepted or refused, and does not hold the event loop."""

import threading
import time
from collections.abc import Callable

import httpx
import pytest
from starlette.exceptions import HTTPException

from gradclinic.api.http.body import MAX_VALUES, parse
from gradclinic.experiments.uploads import from_csv
from gradclinic.kernel.errors import InvalidDataset

from .test_problems import RESOLVE, refused

KEYS = 100_000
NAMES = [f"{number:x}" for number in range(KEYS)]


def seconds(call: Callable[[], object]) -> float:
    """The shortest of three calls."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def as_json(*names: str) -> bytes:
    return ("{" + ",".join(f'"{name}":0' for name in names) + "}").encode()


def test_a_duplicate_last_key_is_found_in_about_the_time_of_accepting_the_body():
    def refuse() -> None:
        with pytest.raises(HTTPException, match="The key 'zz' appears twice"):
            parse(as_json(*NAMES, "zz", "zz"))

    assert seconds(refuse) < 5 * seconds(lambda: parse(as_json(*NAMES)))


def test_a_duplicate_last_column_is_found_in_about_the_time_of_reading_the_header():
    def refuse(*last: str) -> None:
        with pytest.raises(InvalidDataset):
            from_csv(",".join([*NAMES, *last]).encode(), target=None, task=None, most_bytes=1 << 26)

    assert seconds(lambda: refuse("zz", "zz")) < 5 * seconds(lambda: refuse("zz"))


def test_others_are_answered_while_a_large_body_is_refused(api: httpx.Client):
    body = as_json(*NAMES, "zz", "zz")
    answers = []
    posting = threading.Thread(
        target=lambda: answers.append(
            httpx.post(api.base_url.join(RESOLVE), content=body, headers={"content-type": "application/json"})
        )
    )
    posting.start()
    waited = []
    while posting.is_alive():
        start = time.perf_counter()
        api.get("/livez").raise_for_status()
        waited.append(time.perf_counter() - start)
    assert "appears twice" in refused(answers[0], 400)["detail"]
    assert max(waited, default=0) < 1


@pytest.mark.parametrize("value", ["1", "{}", '"x"', "[]"])
def test_a_body_of_too_many_values_is_refused_before_it_is_validated(api: httpx.Client, value: str):
    body = f'{{"experiment": [{",".join([value] * (MAX_VALUES + 1))}]}}'
    answer = api.post(RESOLVE, content=body, headers={"content-type": "application/json"})
    assert "more than 100,000 values" in refused(answer, 413)["detail"]


def test_of_the_numbers_of_a_recording_only_the_first_wrong_one_is_described(api: httpx.Client):
    window = {"window": 0, "step": 1, "series": [{"statistic": "x", "steps": [0], "values": [[{}] * 90_000]}]}
    found = refused(api.post("/v1/recordings/run_1/statistics", json=window), 422)["errors"]
    assert {entry["pointer"] for entry in found} == {"/series/0/values/0/0"}
