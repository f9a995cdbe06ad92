"""A client that has the answer about something that has ended is not sent it again."""

import httpx
import pytest

from ..conftest import Trained
from ..examples import EXPERIMENT

OF_RUN = ["", "/statistics", "/profile", "/curves", "/diagnosis"]
OF_STUDY = ["", "/comparison"]


def paths(trained: Trained) -> list[str]:
    runs, studies = f"/v1/runs/{trained.sick}", f"/v1/studies/{trained.study}"
    return [*(runs + path for path in OF_RUN), *(studies + path for path in OF_STUDY)]


def test_an_answer_that_is_known_is_not_sent_again(trained: Trained) -> None:
    tags = set()
    for path in paths(trained):
        first = trained.api.get(path)
        assert first.headers["cache-control"] == "private, no-cache"
        tags.add(first.headers["etag"])
        again = trained.api.get(path, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert trained.api.get(path, headers={"If-None-Match": '"other"'}).content == first.content
    assert len(tags) == len(paths(trained))


def test_other_parameters_and_formats_have_other_tags(trained: Trained) -> None:
    at = f"/v1/runs/{trained.sick}/statistics"
    answers = [
        trained.api.get(at),
        trained.api.get(at, params={"max_points": 2}),
        trained.api.get(at, headers={"Accept": "text/csv"}),
    ]
    assert len({answer.headers["etag"] for answer in answers}) == 3


def test_what_goes_on_or_is_not_there_has_no_tag(trained: Trained) -> None:
    waiting = trained.api.get(f"/v1/runs/{trained.waiting}", headers={"If-None-Match": "*"})
    assert (waiting.status_code, waiting.headers.get("etag")) == (200, None)
    assert trained.api.get("/v1/runs/run_1", headers={"If-None-Match": "*"}).status_code == 404


@pytest.mark.parametrize("kind", ["runs", "studies"])
def test_an_edit_changes_the_tag(api: httpx.Client, kind: str) -> None:
    body = {"experiment": EXPERIMENT, **({"arms": [], "seeds": [0]} if kind == "studies" else {})}
    at = api.post(f"/v1/{kind}", json=body).headers["location"]
    assert api.post(f"{at}/cancel").status_code == 202
    before = api.get(at).headers["etag"]
    api.patch(at, json={"notes": "cancelled by mistake"})
    again = api.get(at, headers={"If-None-Match": before})
    assert (again.status_code, again.json()["notes"]) == (200, "cancelled by mistake")
