"""Answers are compressed for those who accept it."""

import gzip

import httpx
import pytest

from ..conftest import Trained


def raw(api: httpx.Client, path: str, **headers: str) -> tuple[httpx.Headers, bytes]:
    """An answer as it was sent."""
    with api.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        return answer.headers, b"".join(answer.iter_raw())


@pytest.mark.parametrize("path", ["/v1/runs", "/v1/catalogue", "/"])
def test_json_and_pages_are_compressed_for_those_who_accept_it(trained: Trained, path: str) -> None:
    plain = trained.api.get(path, headers={"Accept-Encoding": "identity"})
    headers, packed = raw(trained.api, path, **{"Accept-Encoding": "gzip"})
    assert (headers["content-encoding"], int(headers["content-length"])) == ("gzip", len(packed))
    assert "content-encoding" not in plain.headers
    assert "Accept-Encoding" in headers["vary"]
    assert "Accept-Encoding" in plain.headers["vary"]
    if path.startswith("/v1/"):
        assert gzip.decompress(packed) == plain.content
    assert len(packed) < len(plain.content) / 2


def test_events_and_small_or_packed_answers_are_sent_as_they_are(trained: Trained) -> None:
    run = f"/v1/runs/{trained.sick}"
    for path, accept in (
        ("/livez", "*/*"),
        (f"{run}/events", "text/event-stream"),
        (f"{run}/statistics", "application/vnd.apache.parquet"),
    ):
        headers, _ = raw(trained.api, path, **{"Accept-Encoding": "gzip", "Accept": accept})
        assert "content-encoding" not in headers, path
