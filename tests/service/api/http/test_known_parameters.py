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
