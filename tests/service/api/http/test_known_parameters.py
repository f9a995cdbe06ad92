import anyio
import anyio.to_thread
import httpx
import pytest
from fastapi import Request

from gradclinic.api.http.known_parameters import only_known_parameters

from .test_problems import refused


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/runs?study=a%00b", "study"),
        ("/v1/checks?baseline=%00", "baseline"),
        ("/v1/claims/xavier_helps/ruling?study=%00", "study"),
        ("/v1/runs?label=team:%00", "label"),
    ],
)
def test_a_nul_in_a_value_is_refused_before_any_database_sees_it(api: httpx.Client, path: str, name: str) -> None:
    document = refused(api.get(path), 422)
    assert document["errors"][0]["parameter"] == name
    assert "NUL" in document["detail"]


def test_a_parameter_that_takes_one_value_is_refused_if_it_is_given_twice(api: httpx.Client) -> None:
    entry = refused(api.get("/v1/runs?limit=1&limit=2"), 422)["errors"][0]
    assert (entry["parameter"], entry["detail"], entry["allowed"]) == ("limit", "is given 2 times", "once")
    assert api.get("/v1/runs?label=a:b&label=c:d").status_code == 200


@pytest.mark.parametrize(
    "text", ["1_0", " 10", "10 ", "+5", "010", "10.0", "1e1", "0x10", "\u0661\u0660", "inf", "nan", ""]
)
def test_a_whole_number_is_only_read_as_json_writes_it(api: httpx.Client, text: str) -> None:
    answer = api.get("/v1/runs", params={"limit": text})
    entry = refused(answer, 422)["errors"][0]
    assert (entry["parameter"], entry["value"]) == ("limit", text)
    assert entry["allowed"] == "a whole number, for example 10"


@pytest.mark.parametrize("text", ["0.9_5", " 0.95", "+0.95", ".95", "inf", "NaN", "Infinity", "0,95", "\uff10.95"])
def test_a_number_is_only_read_as_json_writes_it(api: httpx.Client, text: str) -> None:
    answer = api.get("/v1/studies/study_x/comparison", params={"confidence": text})
    assert refused(answer, 422)["errors"][0]["parameter"] == "confidence"


@pytest.mark.parametrize("text", ["0.95", "9.5e-1", "0.95E0"])
def test_a_number_with_a_fraction_or_an_exponent_is_read(api: httpx.Client, text: str) -> None:
    missing = refused(api.get("/v1/studies/study_x/comparison", params={"confidence": text}), 404)
    assert "study_x" in missing["detail"]  # so the number was taken


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("total", "on", "true or false"),
        ("total", "1", "true or false"),
        ("total", "TRUE", "true or false"),
        ("created_from", "1700000000", "a date and a time with a time zone, for example 2026-11-30T12:00:00Z"),
        ("created_before", "-1", "a date and a time with a time zone, for example 2026-11-30T12:00:00Z"),
    ],
)
def test_booleans_and_times_are_only_read_as_the_schema_says(
    api: httpx.Client, name: str, text: str, allowed: str
) -> None:
    entry = refused(api.get("/v1/runs", params={name: text}), 422)["errors"][0]
    assert (entry["parameter"], entry["value"], entry["allowed"]) == (name, text, allowed)


@pytest.mark.parametrize("steps", ["\u0661:\u0662", "1_0:20", " 1:2", "+1:2"])
def test_a_range_of_steps_has_plain_digits(api: httpx.Client, steps: str) -> None:
    answer = api.get("/v1/runs/run_x/statistics", params={"steps": steps})
    assert refused(answer, 422)["errors"][0]["parameter"] == "steps"


@pytest.mark.parametrize("name", ["Idempotency-Key", "X-Project", "Authorization"])
def test_a_header_that_takes_one_value_is_refused_if_it_is_given_twice(api: httpx.Client, name: str) -> None:
    entry = refused(api.get("/v1/runs", headers=[(name, "a"), (name, "b")]), 422)["errors"][0]
    assert (entry["detail"], entry["allowed"]) == (f"the header {name} is given 2 times", "once")


def test_nothing_is_found_at_a_path_with_a_nul(api: httpx.Client) -> None:
    assert "NUL" in refused(api.get("/v1/runs/run%00"), 404)["detail"]


def test_a_request_without_a_query_waits_for_no_thread():
    """So `/livez` answers even if all threads are busy."""

    async def checked(path: bytes, query: bytes) -> bool:
        limiter = anyio.to_thread.current_default_thread_limiter()
        limiter.total_tokens = 1
        async with limiter:  # the only one
            scope = {"type": "http", "path": path.decode(), "query_string": query, "path_params": {}, "headers": []}
            request = Request({**scope, "method": "GET", "server": ("a", 80), "scheme": "http"})
            try:
                await only_known_parameters(request)
            except RuntimeError:  # it asked for a thread, of which this task has the only one
                return False
        return True

    assert anyio.run(checked, b"/livez", b"")
    assert not anyio.run(checked, b"/livez", b"a=1")
