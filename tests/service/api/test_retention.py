"""Runs whose statistics are thinned or summarized answer what is still known, and refuse what is not."""

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import update

from gradclinic.settings import Settings
from gradclinic.store import Store
from gradclinic.store import tables as t

from . import examples
from .serving import serving, train


@pytest.fixture
def reduced(request: pytest.FixtureRequest, settings: Settings) -> Iterator[tuple[httpx.Client, str, str, str]]:
    """The API, what is kept, and a study with a run that has no more."""
    kept = request.param
    with serving(settings) as api:
        study = api.post("/v1/studies", json=examples.study(seeds=[0])).json()["id"]
        runs = api.get("/v1/runs", params={"study": study}).json()["items"]
        train(settings, *(run["id"] for run in runs))
        before = api.get(f"/v1/studies/{study}/comparison").json()
        known = api.get(f"/v1/runs/{runs[0]['id']}")
        store = Store(settings.database_url)
        with store._database.write() as connection:
            connection.execute(update(t.runs).values(ended_at=t.runs.c.ended_at - 86_400.0))
        assert store.everywhere().reconciliation.reduce_old(to=kept, older_than_s=3600.0) == len(runs)
        store.close()
        assert api.get(f"/v1/studies/{study}/comparison").json() == before
        tag = {"If-None-Match": known.headers["ETag"]}
        assert api.get(f"/v1/runs/{runs[0]['id']}", headers=tag).status_code == 200
        yield api, kept, study, runs[0]["id"]


@pytest.mark.parametrize("reduced", ["thinned", "summary"], indirect=True)
def test_what_is_kept_is_answered_and_what_is_not_is_refused(reduced: tuple[httpx.Client, str, str, str]) -> None:
    api, kept, study, run = reduced
    at, only_layers = f"/v1/runs/{run}", 409 if kept == "summary" else 200
    assert api.get(at).json()["retention"] == kept
    for path, status in {
        f"{at}/curves": 200,
        f"{at}/diagnosis": 200,
        f"{at}/statistics": 200,
        f"{at}/statistics?statistic=train_loss": 200,
        f"{at}/statistics?statistic=site_grad_rms": only_layers,
        f"{at}/profile": only_layers,
        f"{at}/report": 200,
        f"/v1/figures/runs/{run}/curves": 200,
        f"/v1/figures/runs/{run}/profile": only_layers,
        f"/v1/figures/runs/{run}/heatmap": only_layers,
        f"/v1/figures/comparisons/curves?runs={run}": 200,
        f"/v1/studies/{study}/report": 200,
        f"/runs/{run}": 200,
        f"/studies/{study}": 200,
        "/runs": 200,
        "/system": 200,
    }.items():
        answer = api.get(path)
        assert answer.status_code == status, (path, answer.text[:500])
    again = api.post(f"{at}/diagnoses", json={})
    assert (again.status_code, again.json()["code"]) == (409, "insufficient_data")
    assert "cannot be diagnosed again" in again.json()["detail"]
    pinned = api.put("/v1/baselines/main", json={"run_ids": [run]})
    assert pinned.status_code == 422
    assert "only a part is kept" in pinned.text
    assert "ended long ago" in api.get(f"/runs/{run}").text
    assert {"thinned": "Some steps of each", "summary": "curves alone"}[kept] in api.get("/system").text
