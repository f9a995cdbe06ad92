"""Uploads over real HTTP: stored once, described, trained on, refused with a place."""

import io
from pathlib import Path

import httpx
import numpy as np
import pytest

from gradclinic.settings import Settings

from .serving import NOBODY, serving, train

PATH = "/v1/datasets"
TABLE = "x,y,kind\n" + "".join(f"{i % 7},{i * 0.5},{'ab'[i % 2]}\n" for i in range(40))
AS_CSV = {"content-type": "text/csv; charset=utf-8"}


def as_npz() -> bytes:
    file = io.BytesIO()
    rows = [line.split(",") for line in TABLE.splitlines()[1:]]
    np.savez(file, inputs=np.array([row[:2] for row in rows], np.float32), targets=np.array([row[2] for row in rows]))
    return file.getvalue()


def test_a_table_is_stored_once_and_described(api_on_both: httpx.Client) -> None:
    api = api_on_both
    created = api.post(PATH, content=TABLE, headers=AS_CSV)
    assert created.status_code == 201, created.text
    found = created.json()
    assert found["id"] == f"data_{found['digest'][:24]}"
    assert (found["task"], found["rows"], found["shape"], found["outputs"]) == ("classification", 40, [2], 2)
    assert (found["classes"], found["features"]) == (["a", "b"], ["x", "y"])
    assert created.headers["location"] == f"{PATH}/{found['id']}"
    again = api.post(PATH, content=TABLE, headers=AS_CSV)
    assert (again.status_code, again.json()) == (200, found)
    assert api.get(created.headers["location"]).json() == {**found, "runs": 0}
    other = api.post(PATH, content=as_npz(), headers={"content-type": "application/x-npz"}).json()
    assert other["features"] is None
    first = api.get(PATH, params={"limit": 1})
    rest = api.get(PATH, params={"after": first.json()["next"]})
    assert {item["id"] for page in (first, rest) for item in page.json()["items"]} == {found["id"], other["id"]}


def experiment_on(data: str) -> dict:
    return {
        "model": {"kind": "mlp", "depth": 4, "width": 8, "activation": "tanh"},
        "data": {"kind": "uploaded", "id": data, "standardize": False},
        "optimizer": {"kind": "adam", "learning_rate": 0.01},
        "training": {"steps": 25, "batch_size": 8},
    }


def test_a_data_set_says_how_much_it_takes_and_how_many_runs_name_it(api_on_both: httpx.Client) -> None:
    first, second = (
        api_on_both.post(PATH, content=content, headers=AS_CSV).json()["id"] for content in (TABLE, TABLE + "9,9,a\n")
    )
    for _ in range(2):
        api_on_both.post("/v1/runs", json={"experiment": experiment_on(first)})
    found = {data: api_on_both.get(f"{PATH}/{data}").json() for data in (first, second)}
    assert [found[data]["runs"] for data in (first, second)] == [2, 0]
    assert 0 < found[first]["bytes"] < 10_000


def test_a_data_set_that_nothing_needs_is_deleted_and_can_be_sent_again(api_on_both: httpx.Client) -> None:
    data = api_on_both.post(PATH, content=TABLE, headers=AS_CSV).json()["id"]
    resolve = {"experiment": experiment_on(data)}
    assert api_on_both.post("/v1/experiments:resolve", json=resolve).status_code == 200
    assert api_on_both.delete(f"{PATH}/{data}").status_code == 204
    assert api_on_both.get(PATH).json()["items"] == []
    for answer in (api_on_both.get(f"{PATH}/{data}"), api_on_both.delete(f"{PATH}/{data}")):
        assert answer.status_code == 404
    refused = api_on_both.post("/v1/experiments:resolve", json=resolve)
    (problem,) = refused.json()["errors"]
    assert (refused.status_code, problem["pointer"], problem["value"]) == (422, "/experiment/data/id", data)
    assert "was deleted" in refused.text
    assert api_on_both.post(PATH, content=TABLE, headers=AS_CSV).status_code == 201
    assert api_on_both.post("/v1/experiments:resolve", json=resolve).status_code == 200
    assert api_on_both.delete(f"{PATH}/{data}").status_code == 204


def test_a_data_set_stays_while_an_unfinished_run_or_a_search_needs_it(api_on_both: httpx.Client) -> None:
    data = api_on_both.post(PATH, content=TABLE, headers=AS_CSV).json()["id"]
    run = api_on_both.post("/v1/runs", json={"experiment": experiment_on(data)}).json()
    search = api_on_both.post("/v1/prescriptions", json={"experiment": experiment_on(data)}).json()
    answer = api_on_both.delete(f"{PATH}/{data}")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "4 unfinished runs use it" in answer.json()["detail"]
    for each in api_on_both.get("/v1/runs").json()["items"]:
        api_on_both.post(each["urls"]["cancel"])
    assert "a running prescription uses it" in api_on_both.delete(f"{PATH}/{data}").json()["detail"]
    api_on_both.post(search["urls"]["cancel"])
    assert api_on_both.delete(f"{PATH}/{data}").status_code == 204
    assert api_on_both.get(run["urls"]["self"]).json()["repeatable"] is False


def test_runs_keep_their_results_when_their_data_set_is_deleted_and_cannot_be_repeated(
    database_url: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=database_url, broker_url=NOBODY)
    with serving(settings) as api:
        data = api.post(PATH, content=TABLE, headers=AS_CSV).json()["id"]
        study = {"experiment": experiment_on(data), "seeds": [0, 1], "arms": [{"name": "norm", "remedies": [NORM]}]}
        made = api.post("/v1/studies", json=study).json()
        runs = api.get("/v1/runs", params={"study": made["id"]}).json()["items"]
        train(settings, *(run["id"] for run in runs))
        before = {at: api.get(at).json() for at in READ.format(run=runs[0]["id"], study=made["id"]).split()}
        assert api.get(runs[0]["urls"]["self"]).json()["repeatable"] is True
        assert api.delete(f"{PATH}/{data}").status_code == 204
    with serving(settings) as api:  # another process, which remembers nothing
        for at, found in before.items():
            again = api.get(at)
            assert again.status_code == 200, f"{at}: {again.text}"
            assert unpredicted(again.json()) == unpredicted(found), at
        ended = api.get(runs[0]["urls"]["self"]).json()
        assert (ended["status"], ended["repeatable"]) == ("succeeded", False)
        page = api.get(ended["urls"]["page"]).text
        assert "Its data set was deleted" in page
        assert "Try the remedies" not in page
        report = api.get(f"{ended['urls']['self']}/report").text
        assert "Its data set was deleted" in report
        assert "/datasets" not in report
        again = api.post("/v1/runs", json={"experiment": ended["experiment"]})
        assert (again.status_code, again.json()["errors"][0]["pointer"]) == (422, "/experiment/data/id")


NORM = {"kind": "add_batch_norm"}
READ = "/v1/runs/{run}/profile?step=0 /v1/runs/{run}/diagnosis /v1/runs/{run}/curves /v1/studies/{study}/comparison"


def unpredicted(answer: dict) -> dict:
    """An answer without what theory makes of the samples, which are gone."""
    return {name: value for name, value in answer.items() if name not in {"prediction", "points"}}


def test_a_worker_trains_on_uploaded_rows(database_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=database_url, broker_url=NOBODY)
    with serving(settings) as api:
        data = api.post(PATH, content=as_npz(), headers={"content-type": "application/octet-stream"}).json()
        experiment = {
            "model": {"kind": "mlp", "depth": 2, "width": 8, "activation": "tanh"},
            "data": {"kind": "uploaded", "id": data["id"]},
            "optimizer": {"kind": "adam", "learning_rate": 0.01},
            "training": {"steps": 25, "batch_size": 8},
        }
        run = api.post("/v1/runs", json={"experiment": experiment})
        assert run.status_code == 202, run.text
        train(settings, run.json()["id"])
        ended = api.get(f"/v1/runs/{run.json()['id']}").json()
        assert (ended["status"], ended["progress"]["step"]) == ("succeeded", 25)


def test_an_experiment_with_an_unknown_id_is_refused_at_its_place(api: httpx.Client) -> None:
    experiment = {
        "model": {"kind": "mlp", "depth": 2, "width": 8, "activation": "tanh"},
        "data": {"kind": "uploaded", "id": "data_" + "f" * 24},
        "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    }
    answer = api.post("/v1/experiments:resolve", json={"experiment": experiment})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/experiment/data/id"


def test_what_cannot_be_trained_on_is_a_problem_that_says_where(api: httpx.Client) -> None:
    answer = api.post(PATH, content=TABLE + "1,nan,a\n", headers=AS_CSV)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_dataset")
    assert "row 41, column 'y'" in answer.json()["detail"]
    assert answer.json()["errors"][0]["value"] == "nan"
    answer = api.post(PATH, content=TABLE, headers=AS_CSV, params={"target": "z"})
    assert (answer.status_code, answer.json()["errors"][0]["allowed"]) == (422, "x, y, kind")
    assert api.get(f"{PATH}/data_0").status_code == 404


def test_another_media_type_is_refused_with_those_that_are_taken(
    api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = api.post(PATH, json={})
    assert answer.status_code == 415
    assert "text/csv" in answer.json()["detail"]
    monkeypatch.setattr("gradclinic.api.dataset.has_arrow", lambda: False)
    answer = api.post(PATH, content=b"PAR1", headers={"content-type": "application/vnd.apache.parquet"})
    assert (answer.status_code, "pyarrow" in answer.json()["detail"]) == (415, True)


def test_an_upload_has_a_limit_of_its_own(sqlite_url: str, tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        database_url=sqlite_url,
        broker_url=NOBODY,
        max_request_bytes=1024,
        max_dataset_bytes=4096,
    )
    with serving(settings) as api:
        longer = TABLE + "".join(f"{i},0.25,a\n" for i in range(120))
        assert 1024 < len(longer) < 4096
        assert api.post(PATH, content=longer, headers=AS_CSV).status_code == 201
        assert api.post(PATH, content=longer * 4, headers=AS_CSV).status_code == 413
        assert api.post(PATH, content=iter([longer.encode()] * 4), headers=AS_CSV).status_code == 413
