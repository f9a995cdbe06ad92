import threading

import httpx
import pytest

from gradclinic.kernel.errors import ServiceUnavailable
from gradclinic.settings import Settings
from gradclinic.store import Run, RunSummary, Store
from gradclinic.store.run import Runs

from ...waiting import eventually
from .conftest import Trained
from .examples import EXPERIMENT, experiment
from .serving import train


def post(api: httpx.Client, headers: dict | None = None, **body: object) -> httpx.Response:
    return api.post("/v1/runs", json={"experiment": EXPERIMENT, **body}, headers=headers)


def test_a_run_is_accepted_with_its_place_and_when_to_look(api_on_both: httpx.Client) -> None:
    answer = post(api_on_both, remedies=[{"kind": "swap_activation"}], name="first", labels={"team": "vision"})
    assert answer.status_code == 202
    assert answer.headers["retry-after"]
    run = api_on_both.get(answer.headers["location"]).json()
    assert run["status"] == "queued"
    assert run["name"] == "first"
    assert run["labels"] == {"team": "vision"}
    assert run["progress"] == {"step": 0, "steps": 30}
    assert run["experiment"]["model"]["activation"] == "sigmoid"
    assert run["resolved_experiment"]["model"]["activation"] == "relu"
    assert run["remedies"] == [{"kind": "swap_activation", "activation": "relu"}]
    assert run["metrics"] is None
    assert run["diagnosis"] is None
    assert [change["status"] for change in run["transitions"]] == ["queued"]


@pytest.mark.parametrize("headers", [{}, {"Prefer": "wait=30"}])
def test_a_run_that_is_stored_is_accepted_although_the_database_is_lost_right_after(
    api: httpx.Client, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    def lost(*_: object) -> Run:
        raise ServiceUnavailable("the connection to the database was lost")

    with monkeypatch.context() as broken:
        broken.setattr(Runs, "get", lost)
        broken.setattr(Runs, "get_many", lost)
        answer = post(api, headers=headers)
    assert answer.status_code == 202
    assert answer.headers["retry-after"]
    assert api.get(answer.headers["location"]).json()["id"] == answer.json()["id"]


def test_a_refused_run_leaves_nothing_behind(api: httpx.Client) -> None:
    assert post(api, experiment=experiment(model={"depth": 0})).status_code == 422
    assert post(api, name="bad\x00name").status_code == 422
    assert api.get("/v1/runs").json()["items"] == []


def test_the_same_key_makes_one_run(api_on_both: httpx.Client) -> None:
    first, again = (post(api_on_both, headers={"Idempotency-Key": "k-1"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    assert len(api_on_both.get("/v1/runs").json()["items"]) == 1


def test_the_same_key_for_another_request_is_a_conflict(api: httpx.Client) -> None:
    post(api, headers={"Idempotency-Key": "k-1"})
    assert post(api, headers={"Idempotency-Key": "k-1"}, name="another").status_code == 409


def test_waiting_answers_when_the_run_has_ended(api: httpx.Client, settings: Settings) -> None:
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(post(api, headers={"Prefer": "wait=30"})))
    asking.start()
    queued: list[dict] = []
    while not queued:
        queued = api.get("/v1/runs").json()["items"]
    train(settings, queued[0]["id"])
    asking.join(timeout=60)
    assert answers[0].status_code == 200
    assert answers[0].headers["preference-applied"] == "wait=30"
    assert answers[0].json()["status"] == "succeeded"
    assert answers[0].json()["metrics"]["final_train_loss"] > 0


def test_waiting_gives_up_in_time(api: httpx.Client) -> None:
    answer = post(api, headers={"Prefer": "respond-async, wait=1"})
    assert answer.status_code == 202
    assert answer.json()["status"] == "queued"


def test_nobody_is_waited_for_who_has_gone(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [0]
    get_many = Runs.get_many

    def counted(runs: Runs, run_ids: list[str]) -> list[RunSummary]:
        looks[0] += 1
        return get_many(runs, run_ids)

    monkeypatch.setattr(Runs, "get_many", counted)
    with pytest.raises(httpx.ReadTimeout):
        api.post("/v1/runs", json={"experiment": EXPERIMENT}, headers={"Prefer": "wait=60"}, timeout=0.5)
    settled = [-1]

    def no_more() -> bool:
        before, settled[0] = settled[0], looks[0]
        return before == settled[0]

    eventually(no_more, every_s=0.5)
    assert looks[0] > 1


def test_a_queued_run_is_cancelled_at_once_and_again_without_harm(api_on_both: httpx.Client) -> None:
    at = post(api_on_both).json()["urls"]["cancel"]
    assert api_on_both.post(at).status_code == 202
    again = api_on_both.post(at)
    assert again.status_code == 200
    assert again.json()["status"] == "canceled"


def test_a_run_that_has_ended_cannot_be_cancelled(trained: Trained) -> None:
    answer = trained.api.post(f"/v1/runs/{trained.sick}/cancel")
    assert answer.status_code == 409
    assert "succeeded" in answer.json()["detail"]


def test_a_deleted_run_is_gone(api_on_both: httpx.Client) -> None:
    at = post(api_on_both).json()["urls"]["self"]
    assert api_on_both.delete(at).status_code == 204
    assert api_on_both.get(at).status_code == 404
    assert api_on_both.delete(at).status_code == 404


def test_pages_follow_their_links_to_the_end_without_a_gap(api_on_both: httpx.Client) -> None:
    made = [post(api_on_both).json()["id"] for _ in range(5)]
    seen, at = [], "/v1/runs?limit=2"
    while at:
        page = api_on_both.get(at)
        seen += [run["id"] for run in page.json()["items"]]
        post(api_on_both)  # what comes meanwhile is newer, and not on the pages that follow
        at = page.links.get("next", {}).get("url")
    assert seen == made[::-1]


def test_a_list_of_runs_is_searched_sorted_and_counted(api_on_both: httpx.Client) -> None:
    made = [post(api_on_both, name=name).json()["id"] for name in ("b", "a", "c")]
    asked = {"sort": "name", "search": "mlp", "source": "own", "view": "summary", "total": True, "limit": 2}
    first = api_on_both.get("/v1/runs", params=asked)
    assert [run["name"] for run in first.json()["items"]] == ["a", "b"]
    assert first.json()["total"] == 3
    second = api_on_both.get(first.links["next"]["url"]).json()
    assert ([run["id"] for run in second["items"]], second["next"]) == ([made[2]], None)
    assert "remedies" not in second["items"][0]
    full = api_on_both.get("/v1/runs", params={"sort": "-name", "limit": 1}).json()
    assert (full["items"][0]["id"], full["items"][0]["source"], full["total"]) == (made[2], "own", None)


@pytest.mark.parametrize(
    ("parameters", "allowed"),
    [
        ({"sort": "loss"}, "-final_train_loss"),
        ({"view": "narrow"}, "summary"),
        ({"source": "me"}, "recording"),
        ({"after": "zzz"}, "the `next` of a page"),
        ({"sort": "name", "after": "run_1"}, "the `next` of a page"),
    ],
)
def test_an_order_view_source_or_page_that_is_unknown_is_refused(
    api: httpx.Client, parameters: dict[str, str], allowed: str
) -> None:
    response = api.get("/v1/runs", params=parameters)
    assert response.status_code == 422
    assert allowed in response.text


def test_runs_are_found_by_label_and_status(api: httpx.Client) -> None:
    wanted = post(api, labels={"team": "vision", "week": "47"}).json()["id"]
    post(api, labels={"team": "speech"})
    found = api.get("/v1/runs", params={"label": ["team:vision", "week:47"], "status": "queued"}).json()["items"]
    assert [run["id"] for run in found] == [wanted]
    assert api.get("/v1/runs", params={"label": "team"}).status_code == 422


def test_runs_are_found_by_condition_and_study(trained: Trained) -> None:
    found = trained.api.get("/v1/runs", params={"condition": "vanishing_gradients"}).json()["items"]
    assert trained.sick in {run["id"] for run in found}
    assert trained.broken not in {run["id"] for run in found}
    found = trained.api.get("/v1/runs", params={"study": trained.study}).json()["items"]
    assert len(found) == 4


def test_a_trained_run_carries_its_diagnosis_metrics_and_environment(trained: Trained) -> None:
    run = trained.api.get(f"/v1/runs/{trained.sick}").json()
    assert run["status"] == "succeeded"
    assert run["diagnosis"]["primary"] == "vanishing_gradients"
    assert run["diagnosis"]["findings"][0]["suggested_remedies"]
    assert run["progress"] == {"step": 30, "steps": 30}
    assert run["metrics"]["relative_train_loss"] > 0.9
    assert run["environment"]["torch"]
    assert [change["status"] for change in run["transitions"]] == ["queued", "running", "succeeded"]


def test_a_training_that_breaks_has_succeeded_and_says_where(trained: Trained) -> None:
    run = trained.api.get(f"/v1/runs/{trained.broken}").json()
    assert run["status"] == "succeeded"
    assert run["diagnosis"]["primary"] in {"exploding_gradients", "divergence"}
    assert run["progress"]["step"] < 30
    assert run["metrics"]["final_train_loss"] in {"NaN", "Infinity"}


@pytest.mark.parametrize("path", ["/v1/runs/run_1", "/v1/runs/run_1/statistics", "/v1/runs/run_1/events"])
def test_what_is_not_there_is_a_404(api: httpx.Client, path: str) -> None:
    assert api.get(path).status_code == 404


def test_an_identical_run_is_reused_on_request(trained: Trained) -> None:
    posted = trained.api.get(f"/v1/runs/{trained.sick}").json()["experiment"]
    again = trained.api.post("/v1/runs", json={"experiment": posted, "reuse": "if_identical"})
    assert again.status_code == 200
    assert again.json()["id"] == trained.sick
    other = {**posted, "training": {**posted["training"], "seed": 99}}
    fresh = trained.api.post("/v1/runs", json={"experiment": other, "reuse": "if_identical"})
    assert fresh.status_code == 202
    trained.api.delete(fresh.json()["urls"]["self"])


def test_a_run_remembers_the_request_that_created_it(api: httpx.Client, settings: Settings) -> None:
    run = post(api, headers={"X-Request-ID": "mine-7"}).json()
    store = Store(settings.database_url)
    assert store.runs.get(run["id"]).request_id == "mine-7"
    store.close()


def test_a_run_is_renamed_labelled_and_annotated(api: httpx.Client) -> None:
    at = post(api, name="first", labels={"team": "vision", "draft": "yes"}).headers["location"]
    edited = api.patch(at, json={"labels": {"draft": None}, "notes": "diverged twice"}).json()
    assert (edited["name"], edited["labels"], edited["notes"]) == ("first", {"team": "vision"}, "diverged twice")
    assert api.get(at).json() == api.patch(at, json={}).json()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"labels": {"team": 3}}, "/labels/team"), ({"name": ""}, "/name"), ({"seed": 1}, "/seed"),
     ({"notes": "x" * 10_001}, "/notes"), ({"labels": {str(n): "" for n in range(51)}}, "/labels")],
)  # fmt: skip
def test_what_cannot_be_written_about_a_run_is_refused(api: httpx.Client, body: dict, pointer: str) -> None:
    at = post(api, name="first").headers["location"]
    response = api.patch(at, json=body)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)
    assert api.get(at).json()["name"] == "first"
