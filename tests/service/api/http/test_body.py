"""Reading a body costs about the same whether it is accepted or refused, and does not hold the event loop."""

import threading
import time
from collections.abc import Callable

import httpx
import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from gradclinic.api.http.body import MAX_VALUES, parse
from gradclinic.api.http.first_errors import MOST_DESCRIBED, refuse_many_errors
from gradclinic.experiments.uploads import from_csv
from gradclinic.kernel.errors import InvalidDataset

from ..examples import EXPERIMENT
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


@pytest.mark.parametrize(
    ("body", "first", "allowed"),
    [
        ({"experiment": {**EXPERIMENT, **{f"k{i}": 0 for i in range(90_000)}}}, "/experiment/k0", "model, data"),
        ({"experiment": EXPERIMENT, "remedies": [{"kind": "relu"}] * 40_000}, "/remedies", "add_batch_norm"),
        ({"experiment": {**EXPERIMENT, "model": {"kind": "layers", "layers": [{}] * 90_000}}}, "/experiment/model", ""),
    ],
)
def test_only_the_first_of_very_many_errors_are_described(api: httpx.Client, body: dict, first: str, allowed: str):
    found = refused(api.post(RESOLVE, json=body), 422)["errors"]
    assert found[0]["pointer"].startswith(first)
    assert allowed in str(found[0]["allowed"]) + found[0]["detail"]
    assert len(found) <= 50


class Row(BaseModel):
    model_config = ConfigDict(strict=True)

    name: str
    numbers: list[int]


@pytest.mark.parametrize("right", [0, 1, 700, 19_990])
def test_the_first_errors_are_those_of_the_whole_body_wherever_they_begin(right: int):
    rows: list[dict] = [{"name": "a", "numbers": [1, 2]}] * right + [{"numbers": ["x", 2]}] * 2_000
    with pytest.raises(RequestValidationError) as caught:
        refuse_many_errors(TypeAdapter(list[Row]), rows, most_values=MAX_VALUES)
    described = caught.value.errors()
    with pytest.raises(ValidationError) as complete:
        TypeAdapter(list[Row]).validate_python(rows)
    assert 1 <= len(described) <= MOST_DESCRIBED
    expected = [{**each, "loc": ("body", *each["loc"])} for each in complete.value.errors(include_url=False)]
    assert described[0] == expected[0]
    assert all(each in expected for each in described[-5:])


def test_a_long_key_is_cut_wherever_it_is_shown(api: httpx.Client):
    answer = api.post(RESOLVE, json={"experiment": {**EXPERIMENT, "k" * 90_000: 0}})
    assert "unknown key" in refused(answer, 422)["detail"]
    assert len(answer.content) < 5_000
