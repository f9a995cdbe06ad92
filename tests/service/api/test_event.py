import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gradclinic.api import event as module
from gradclinic.kernel.errors import ServiceUnavailable
from gradclinic.settings import Settings
from gradclinic.use_cases.check import conclude
from gradclinic.use_cases.event import News
from gradclinic.use_cases.service import Service

from .conftest import Trained
from .examples import EXPERIMENT, study
from .serving import train


def page(api: httpx.Client, at: str, **query: object) -> dict:
    answer = api.get(at, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def stream(api: httpx.Client, at: str, headers: dict | None = None) -> list[dict]:
    """Every event until the server ends the stream."""
    events: list[dict] = []
    event: dict = {}
    with api.stream("GET", at, headers={"Accept": "text/event-stream", **(headers or {})}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith(":"):
                continue
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
            elif event:
                events.append({**event, "data": json.loads(event["data"])})
                event = {}
    return events


def lasting(events: list[dict]) -> list[tuple]:
    """What a reader learns for good; progress is only seen by those who look at the time."""
    return [(event["event"], event["data"]) for event in events if event["event"] != "progress"]


def test_a_run_tells_its_whole_story(trained: Trained) -> None:
    events = stream(trained.api, f"/v1/runs/{trained.sick}/events")
    assert [event["event"] for event in events if event["event"] != "finding"] == [
        "status",
        "status",
        "progress",
        "status",
        "done",
    ]
    assert events[-1]["data"] == {"status": "succeeded", "primary": "vanishing_gradients"}
    assert events[2]["data"] == {"step": 30, "steps": 30, "so_far": ["vanishing_gradients"]}
    findings = [event["data"] for event in events if event["event"] == "finding"]
    assert findings[0]["condition"] == "vanishing_gradients"


def test_a_reader_that_comes_back_gets_exactly_what_it_missed(trained: Trained) -> None:
    at = f"/v1/runs/{trained.sick}/events"
    events = stream(trained.api, at)
    for index, event in enumerate(events):
        missed = stream(trained.api, at, {"Last-Event-ID": event["id"]})
        assert missed == events[index + 1 :]
        assert page(trained.api, at, after=event["id"])["items"] == events[index + 1 :]


def test_events_come_while_the_run_goes_on(api: httpx.Client, settings: Settings) -> None:
    run = api.post("/v1/runs", json={"experiment": EXPERIMENT}).json()
    first = page(api, run["urls"]["events"])
    assert [event["data"]["status"] for event in first["items"]] == ["queued"]
    assert not first["done"]
    seen: list[dict] = []
    reading = threading.Thread(target=lambda: seen.extend(stream(api, run["urls"]["events"])))
    reading.start()
    train(settings, run["id"])
    reading.join(timeout=60)
    assert seen[-1]["event"] == "done"
    after = page(api, run["urls"]["events"], after=first["last_id"])
    assert after["done"]
    assert lasting(after["items"]) == lasting(seen[1:])


def test_a_study_tells_which_runs_have_ended(trained: Trained) -> None:
    events = stream(trained.api, f"/v1/studies/{trained.study}/events")
    ended = [event["data"] for event in events if event["event"] == "run"]
    assert {(run["arm"], run["seed"]) for run in ended} == {
        (arm, seed) for arm in ("baseline", "batch norm") for seed in (0, 1)
    }
    assert {run["sweep_point"] for run in ended} == {None}
    assert events[-1]["event"] == "done"
    again = stream(trained.api, f"/v1/studies/{trained.study}/events", {"Last-Event-ID": events[1]["id"]})
    assert again == events[2:]


def test_a_cancelled_study_ends_its_stream(api: httpx.Client) -> None:
    made = api.post("/v1/studies", json=study()).json()
    api.post(made["urls"]["cancel"])
    assert stream(api, made["urls"]["events"])[-1]["data"] == {"status": "canceled"}


def test_a_check_ends_its_events_with_its_verdict(api: httpx.Client, settings: Settings) -> None:
    run = api.post("/v1/runs", json={"experiment": EXPERIMENT}).json()["id"]
    train(settings, run)
    api.put("/v1/baselines/main", json={"run_ids": [run]})
    made = api.post("/v1/checks", json={"baseline": "main"}).json()
    at = f"/v1/checks/{made['id']}/events"
    assert page(api, at) == {"items": [], "last_id": "0.0.0", "done": False}
    train(settings, *made["run_ids"])
    told = page(api, at)
    assert [event["event"] for event in told["items"]] == ["run", "progress"]
    assert not told["done"]  # its run has ended, and it is not yet judged
    service = Service.of(settings)
    conclude(service, made["id"])
    service.close()
    (done,) = stream(api, at, {"Last-Event-ID": told["last_id"]})
    assert (done["event"], done["data"]) == ("done", {"status": "succeeded"})


def test_a_search_tells_the_runs_of_each_round(api: httpx.Client, settings: Settings) -> None:
    made = api.post("/v1/prescriptions", json={"experiment": EXPERIMENT, "budget": {"runs": 16}}).json()
    at = f"/v1/prescriptions/{made['id']}/events"
    run = api.get("/v1/runs", params={"source": "prescription", "limit": 1}).json()["items"][0]
    train(settings, run["id"])
    told = page(api, at)
    assert [event["event"] for event in told["items"]] == ["run", "progress"]
    assert told["items"][0]["data"]["run_id"] == run["id"]
    api.post(f"/v1/prescriptions/{made['id']}/cancel")
    assert stream(api, at, {"Last-Event-ID": told["last_id"]})[-1]["data"] == {"status": "canceled"}


def test_an_id_that_is_none_is_refused(trained: Trained) -> None:
    answer = trained.api.get(f"/v1/runs/{trained.sick}/events", params={"after": "yesterday"})
    assert answer.status_code == 422


def test_progress_says_what_the_record_shows_so_far(api: httpx.Client, settings: Settings) -> None:
    long = {**EXPERIMENT, "training": {"steps": 1000, "batch_size": 32}}
    run = api.post("/v1/runs", json={"experiment": long}).json()
    training = threading.Thread(target=train, args=(settings, run["id"]))
    training.start()
    events = stream(api, run["urls"]["events"])
    training.join(timeout=60)
    progress = [event["data"] for event in events if event["event"] == "progress"]
    live = [data for data in progress if data["step"] < 1000]
    assert live, "a run of seconds is seen on its way"
    assert "vanishing_gradients" in live[-1]["so_far"], live


def followed(api: httpx.Client, run_id: str, *, then: Callable[[], object]) -> list[dict]:
    """The events of a run to whose reader something happens after the first."""
    events: list[dict] = []
    with api.stream("GET", f"/v1/runs/{run_id}/events", headers={"Accept": "text/event-stream"}) as answer:
        for line in answer.iter_lines():
            if line.startswith("event: "):
                events.append({"event": line.removeprefix("event: ")})
                if len(events) == 1:
                    then()
    return events


def test_a_reader_of_a_run_that_is_deleted_is_let_go(api: httpx.Client) -> None:
    run_id = api.post("/v1/runs", json={"experiment": EXPERIMENT}).json()["id"]
    delete = httpx.Client(base_url=api.base_url)
    events = followed(api, run_id, then=lambda: delete.delete(f"/v1/runs/{run_id}").raise_for_status())
    delete.close()
    assert [event["event"] for event in events] == ["status"]


def test_a_database_that_is_away_for_a_moment_breaks_no_stream(
    api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = api.post("/v1/runs", json={"experiment": EXPERIMENT}).json()["id"]
    look, away = module.run_news, iter([False, True, True])

    def flaky(*args: Any) -> News:
        if next(away, False):
            raise ServiceUnavailable("the database cannot be used now")
        return look(*args)

    monkeypatch.setattr(module, "run_news", flaky)
    cancel = httpx.Client(base_url=api.base_url)
    events = followed(api, run_id, then=lambda: cancel.post(f"/v1/runs/{run_id}/cancel").raise_for_status())
    cancel.close()
    assert [event["event"] for event in events] == ["status", "status", "done"]
    assert next(away, None) is None
