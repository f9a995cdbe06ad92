"""Prescriptions over real HTTP."""

import httpx
import pytest

from gradclinic.queue.messages import Queue
from gradclinic.reconciler import Reconciler
from gradclinic.settings import Settings
from gradclinic.store import Store
from gradclinic.use_cases.service import Service

from .examples import EXPERIMENT, experiment
from .serving import train

BODY = {"experiment": experiment(training={"steps": 60}), "budget": {"runs": 16}, "name": "what cures it?"}


@pytest.mark.slow
def test_a_prescription_is_accepted_driven_by_the_reconciler_and_answered(
    api: httpx.Client, settings: Settings
) -> None:
    accepted = api.post("/v1/prescriptions", json=BODY)
    assert accepted.status_code == 202
    at = accepted.headers["Location"]
    found = api.get(at).json()
    assert (found["status"], found["round"], found["cure"]) == ("running", "diagnose", None)
    store, queue = Store(settings.database_url), Queue(settings)
    try:
        while found["status"] == "running":
            runs = api.get(found["urls"]["runs"], params={"limit": 200}).json()["items"]
            train(settings, *(run["id"] for run in runs if run["status"] == "queued"))
            Reconciler(Service(settings, store, queue)).prescribe()
            found = api.get(at).json()
    finally:
        queue.close()
        store.close()
    assert found["status"] == "succeeded"
    assert found["round"] == "confirm"
    assert found["diagnosis"]["primary"] == "vanishing_gradients"
    assert found["spent"]["runs"] == found["progress"]["runs"]
    assert found["tried"]
    assert (found["cure"] is not None) == (found["ending"] == "cured")
    assert api.post(found["urls"]["cancel"]).status_code == 409


def test_the_budget_is_240_seconds_unless_said_otherwise(api_on_both: httpx.Client) -> None:
    found = api_on_both.post("/v1/prescriptions", json={"experiment": EXPERIMENT}).json()
    assert found["budget"]["seconds"] == 240
    assert api_on_both.get("/v1/prescriptions").json()["items"][0]["id"] == found["id"]


def test_prescriptions_are_listed_by_label_status_and_ending(api_on_both: httpx.Client) -> None:
    wanted = api_on_both.post("/v1/prescriptions", json={**BODY, "labels": {"team": "vision"}}).json()
    api_on_both.post("/v1/prescriptions", json=BODY)

    def found(**filters: str) -> list[str]:
        return [each["id"] for each in api_on_both.get("/v1/prescriptions", params=filters).json()["items"]]

    assert found(label="team:vision", status="running") == [wanted["id"]]
    api_on_both.post(wanted["urls"]["cancel"])
    assert found(status="canceled") == [wanted["id"]]
    assert found(ending="cured") == found(condition="vanishing_gradients") == []
    answer = api_on_both.get("/v1/prescriptions", params={"ending": "well"})
    assert (answer.status_code, answer.json()["errors"][0]["value"]) == (422, "well")


def test_a_prescription_is_cancelled_once(api_on_both: httpx.Client) -> None:
    found = api_on_both.post("/v1/prescriptions", json=BODY).json()
    canceled = api_on_both.post(found["urls"]["cancel"])
    assert (canceled.status_code, canceled.json()["status"]) == (202, "canceled")
    assert canceled.json()["progress"]["by_status"] == {"canceled": 3}
    assert "was cancelled" in canceled.json()["why"]
    assert api_on_both.post(found["urls"]["cancel"]).status_code == 200


def test_a_request_sent_again_with_its_key_creates_nothing_more(api_on_both: httpx.Client) -> None:
    key = {"Idempotency-Key": "one-search"}
    first = api_on_both.post("/v1/prescriptions", json=BODY, headers=key)
    again = api_on_both.post("/v1/prescriptions", json=BODY, headers=key)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert len(api_on_both.get("/v1/prescriptions").json()["items"]) == 1
    assert len(api_on_both.get("/v1/runs").json()["items"]) == 3
    other = api_on_both.post("/v1/prescriptions", json={**BODY, "name": "another"}, headers=key)
    assert other.status_code == 409


def test_a_deleted_prescription_is_gone_with_its_runs(api_on_both: httpx.Client) -> None:
    found = api_on_both.post("/v1/prescriptions", json={**BODY, "labels": {"team": "vision"}}).json()
    assert found["labels"] == {"team": "vision"}
    assert len(api_on_both.get("/v1/runs", params={"label": "team:vision"}).json()["items"]) == 3
    assert api_on_both.delete(found["urls"]["self"]).status_code == 204
    assert api_on_both.get(found["urls"]["self"]).status_code == 404
    assert api_on_both.get("/v1/runs").json()["items"] == []
    assert api_on_both.delete(found["urls"]["self"]).status_code == 404


def test_a_list_goes_on_where_its_page_ended(api: httpx.Client) -> None:
    made = [api.post("/v1/prescriptions", json=BODY).json()["id"] for _ in range(3)]
    first = api.get("/v1/prescriptions", params={"limit": 2})
    assert [item["id"] for item in first.json()["items"]] == [made[2], made[1]]
    rest = api.get(first.links["next"]["url"]).json()
    assert [item["id"] for item in rest["items"]] == [made[0]]


def test_a_budget_in_both_units_or_in_neither_is_refused(api: httpx.Client) -> None:
    for budget in ({}, {"seconds": 10, "runs": 10}, {"runs": 15}):
        refused = api.post("/v1/prescriptions", json={**BODY, "budget": budget})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"].startswith("/budget")


def test_there_is_no_prescription_that_nobody_asked_for(api: httpx.Client) -> None:
    assert api.get("/v1/prescriptions/prescription_01K0A").status_code == 404
    assert api.post("/v1/prescriptions/prescription_01K0A/cancel").status_code == 404
