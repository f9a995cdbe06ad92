import httpx
import pytest

from ..examples import EXPERIMENT


@pytest.mark.parametrize("path", ["/livez", "/v1/runs", "/v1/catalogue", "/openapi.json", "/", "/static/app.css"])
def test_head_answers_what_get_does_without_the_body(api: httpx.Client, path: str) -> None:
    got, head = api.get(path), api.head(path)
    assert head.status_code == got.status_code == 200
    assert head.content == b""
    for name in ("content-type", "content-length", "etag"):
        assert head.headers.get(name) == got.headers.get(name)


def test_head_of_what_is_not_there_is_a_404(api: httpx.Client) -> None:
    assert api.head("/v1/runs/run_1").status_code == 404


def test_head_of_a_stream_ends_though_the_stream_does_not(api: httpx.Client) -> None:
    run = api.post("/v1/runs", json={"experiment": EXPERIMENT}).json()
    head = api.head(run["urls"]["events"], headers={"Accept": "text/event-stream"})
    assert head.status_code == 200
    assert head.headers["content-type"].startswith("text/event-stream")
    assert api.get("/livez").status_code == 200
