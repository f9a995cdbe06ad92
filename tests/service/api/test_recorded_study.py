"""Studies whose arms an external program trains: declared, recorded run by run, compared like any other."""

from typing import Any

import httpx
import pytest

from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.record import RunRecord
from gradclinic.measurements.recording import example
from gradclinic_workers.train.fit import train

from ..recorded import recorded
from .examples import HEALTHY, experiment, study

RELU = {"name": "relu", "remedies": [{"kind": "swap_activation"}], "code": "model.act = nn.ReLU()"}


def trained(spec: dict[str, Any], seed: int) -> RunRecord:
    return train(Experiment.model_validate(spec).with_seed(seed))


@pytest.fixture(scope="module")
def records() -> dict[tuple[str, int], RunRecord]:
    """A network that does not learn, and one that does, each for two seeds."""
    arms = {"baseline": experiment(), "relu": HEALTHY}
    return {(arm, seed): trained(spec, seed) for arm, spec in arms.items() for seed in (0, 1)}


def declared(api: httpx.Client, **changes: Any) -> str:
    answer = api.post("/v1/recordings/studies", json={"arms": [RELU], "seeds": [0, 1], **changes})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def begun(api: httpx.Client, study_id: str, **changes: Any) -> httpx.Response:
    return api.post("/v1/recordings", json={**example(), "study": study_id, "arm": "baseline", **changes})


def ended(api: httpx.Client, run_id: str, **ending: Any) -> dict[str, Any]:
    answer = api.post(f"/v1/recordings/{run_id}/finish", json=ending)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_its_arms_are_compared_like_those_that_workers_trained(
    api_on_both: httpx.Client, records: dict[tuple[str, int], RunRecord]
) -> None:
    api, study_id = api_on_both, declared(api_on_both, name="mine", labels={"team": "vision"})
    found = api.get(f"/v1/studies/{study_id}").json()
    assert (found["status"], found["experiment"], found["ended_at"]) == ("running", {}, None)
    assert found["progress"]["by_status"] == {"queued": 4}
    assert [arm["name"] for arm in found["arms"]] == ["baseline", "relu"]
    for (arm, seed), record in records.items():
        recorded(api, record, study=study_id, arm=arm, seed=seed)
    found = api.get(f"/v1/studies/{study_id}").json()
    assert (found["status"], found["progress"]["by_status"]) == ("succeeded", {"succeeded": 4})
    assert found["arms"][1]["code"] == RELU["code"]
    comparison = api.get(f"/v1/studies/{study_id}/comparison").json()
    (arm,) = comparison["arms"]
    assert (comparison["complete"], comparison["baseline_runs"], arm["runs"], arm["learned"]) == (True, 2, 2, 2)
    assert arm["paired_by"] == "seed"
    assert arm["effects"]["relative_train_loss"]["difference"] < 0
    for figure in ("ranking", "curves", "profiles"):
        assert api.get(f"/v1/figures/studies/{study_id}/{figure}").status_code == 200
    page = api.get(f"/studies/{study_id}")
    assert page.status_code == 200
    assert "model.act = nn.ReLU()" in page.text
    assert api.get(f"/v1/studies/{study_id}/report").status_code == 200


def test_it_is_running_until_each_arm_has_ended_with_each_seed(
    api_on_both: httpx.Client, records: dict[tuple[str, int], RunRecord]
) -> None:
    api, study_id = api_on_both, declared(api_on_both)
    recorded(api, records["baseline", 0], study=study_id, arm="baseline", seed=0)
    assert api.get(f"/v1/studies/{study_id}").json()["status"] == "running"
    assert not api.get(f"/v1/studies/{study_id}/comparison").json()["complete"]
    for status, expected in (("running", [study_id]), ("succeeded", [])):
        listed = api.get("/v1/studies", params={"status": status}).json()["items"]
        assert [each["id"] for each in listed] == expected
    assert api.get(f"/studies/{study_id}").status_code == 200
    canceled = api.post(f"/v1/studies/{study_id}/cancel").json()
    assert (canceled["status"], canceled["progress"]["runs"]) == ("succeeded", 1)
    assert begun(api, study_id, seed=1).status_code == 409


def test_cancelling_it_ends_what_is_being_recorded(api_on_both: httpx.Client) -> None:
    study_id = declared(api_on_both)
    run_id = begun(api_on_both, study_id).json()["id"]
    assert api_on_both.post(f"/v1/studies/{study_id}/cancel").json()["status"] == "canceled"
    window = {"window": 0, "step": 1, "series": []}
    assert api_on_both.post(f"/v1/recordings/{run_id}/statistics", json=window).status_code == 409


def test_a_key_makes_one_study_however_often_it_is_sent(api_on_both: httpx.Client) -> None:
    body, headers = {"arms": [RELU], "seeds": [0]}, {"Idempotency-Key": "mine"}
    first, second = (api_on_both.post("/v1/recordings/studies", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    other = api_on_both.post("/v1/recordings/studies", json={**body, "seeds": [1]}, headers=headers)
    assert other.status_code == 409


def test_a_run_that_did_not_succeed_is_recorded_again(
    api_on_both: httpx.Client, records: dict[tuple[str, int], RunRecord]
) -> None:
    api, study_id = api_on_both, declared(api_on_both)
    failed, interrupted = (begun(api, study_id, seed=seed).json()["id"] for seed in (0, 1))
    run = ended(api, failed, failure="RuntimeError: out of memory")
    assert (run["status"], run["reason"]["code"]) == ("failed", "program_failed")
    assert run["reason"]["text"] == "its program failed: RuntimeError: out of memory"
    assert ended(api, failed, failure="RuntimeError: out of memory")["ended_at"] == run["ended_at"]
    for seed in (0, 1):
        recorded(api, records["baseline", seed], study=study_id, arm="baseline", seed=seed)
    assert api.get(f"/v1/studies/{study_id}").json()["progress"]["by_status"] == {"succeeded": 2, "queued": 2}
    left = api.get(f"/v1/runs/{interrupted}").json()
    assert (left["status"], left["reason"]["code"], left["study_id"]) == ("canceled", "recorded_again", None)
    again = begun(api, study_id, seed=1)
    assert again.status_code == 409
    assert "already recorded" in again.json()["detail"]


def test_a_failed_run_does_not_count_in_the_comparison(
    api: httpx.Client, records: dict[tuple[str, int], RunRecord]
) -> None:
    study_id = declared(api, seeds=[0])
    recorded(api, records["baseline", 0], study=study_id, arm="baseline", seed=0)
    ended(api, begun(api, study_id, arm="relu").json()["id"], failure="ValueError: too wide")
    (arm,) = api.get(f"/v1/studies/{study_id}/comparison").json()["arms"]
    assert (arm["runs"], arm["lost"], arm["verdict"]) == (0, 1, "inconclusive")
    assert api.get(f"/studies/{study_id}").status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"arm": "unknown"}, 409, "no arm 'unknown'"),
        ({"seed": 7}, 409, "with the seed 7"),
        ({"study": "study_0"}, 404, "there is no study"),
        ({"arm": None}, 422, "both study and arm"),
    ],
)
def test_a_run_that_it_does_not_expect_is_refused(
    api: httpx.Client, changes: dict[str, Any], status: int, says: str
) -> None:
    answer = begun(api, declared(api), **changes)
    assert answer.status_code == status
    assert says in answer.text


def test_a_program_cannot_record_into_a_study_that_workers_train(api: httpx.Client) -> None:
    answer = begun(api, api.post("/v1/studies", json=study()).json()["id"])
    assert answer.status_code == 409
    assert "workers train" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"arms": [RELU, RELU], "seeds": [0]}, "/arms/1/name"),
        ({"arms": [{**RELU, "name": "baseline"}], "seeds": [0]}, "/arms/0/remedies"),
        ({"arms": [RELU], "seeds": [0, 0]}, "/seeds/1"),
        ({"arms": [{"name": "x", "remedies": [{"kind": "magic"}]}], "seeds": [0]}, "/arms/0/remedies/0"),
    ],
)
def test_an_invalid_declaration_is_refused_with_its_place(
    api: httpx.Client, body: dict[str, Any], pointer: str
) -> None:
    answer = api.post("/v1/recordings/studies", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)
