"""Runs that their own programs record, over real HTTP: declared, sent window by window, judged like any other."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.record import RunRecord
from gradclinic.measurements.recording import Ending, Window, example
from gradclinic_workers.train.fit import train

from ..recorded import declaration, recorded, windows
from .examples import EXPERIMENT, experiment, explosive


def trained(spec: dict[str, Any]) -> RunRecord:
    return train(Experiment.model_validate(spec))


@pytest.fixture(scope="module")
def sick() -> RunRecord:
    return trained(EXPERIMENT)


@pytest.fixture(scope="module")
def broken() -> RunRecord:
    return trained(explosive())


def declared(api: httpx.Client, **changes: Any) -> str:
    answer = api.post("/v1/recordings", json={**example(), **changes})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def send(api: httpx.Client, run_id: str, window: int, step: int, **series: Any) -> httpx.Response:
    body = {"window": window, "step": step, "series": [{"statistic": name, **each} for name, each in series.items()]}
    return api.post(f"/v1/recordings/{run_id}/statistics", json=body)


def losses(*steps: int) -> dict[str, Any]:
    return {"steps": list(steps), "values": [[1.5] for _ in steps]}


def test_a_recording_is_diagnosed_as_the_service_s_own_run_is(api_on_both: httpx.Client, sick: RunRecord) -> None:
    run_id = recorded(api_on_both, sick, name="mine", labels={"team": "vision"})
    run = api_on_both.get(f"/v1/runs/{run_id}").json()
    assert (run["status"], run["origin"], run["reason"]["code"]) == ("succeeded", "external", "recorded")
    assert (run["experiment"], run["progress"]) == ({}, {"step": 30, "steps": 30})
    ours = diagnose(sick)
    found = run["diagnosis"]
    assert found["primary"] == ours.primary == "vanishing_gradients"
    assert [each["condition"] for each in found["findings"]] == [each.condition for each in ours.findings]
    assert found["findings"][0]["confidence"] == ours.findings[0].confidence
    assert found["findings"][0]["layers"] == list(ours.findings[0].layers)
    listed = api_on_both.get("/v1/runs", params={"label": "team:vision", "finding": "vanishing_gradients"}).json()
    assert [each["id"] for each in listed["items"]] == [run_id]


def test_everything_that_reads_a_run_reads_a_recording(api_on_both: httpx.Client, sick: RunRecord) -> None:
    api = api_on_both
    run_id = recorded(api, sick)
    statistics = api.get(f"/v1/runs/{run_id}/statistics", params={"statistic": "site_grad_rms"}).json()["statistics"]
    assert statistics[0]["values"][0] == pytest.approx(sick.get("site_grad_rms").values[0].tolist())
    profile = api.get(f"/v1/runs/{run_id}/profile").json()
    assert profile["depth_slope"] > 1.5
    assert (profile["prediction"], profile["predicted_depth_slope"]) == (None, None)
    assert len(api.get(f"/v1/runs/{run_id}/curves").json()["curves"]) == 7
    again = api.post(f"/v1/runs/{run_id}/diagnoses", json={"thresholds": {"depth_slope": 20.0}}).json()
    assert again["primary"] != "vanishing_gradients"
    assert api.get(f"/v1/runs/{run_id}/events").json()["items"][-1]["event"] == "done"
    for figure in ("heatmap", "profile", "curves"):
        assert api.get(f"/v1/figures/runs/{run_id}/{figure}").status_code == 200
    page = api.get(f"/runs/{run_id}").text
    assert "recorded from an external program" in page
    assert "Declaration of the external program" in page
    assert "Try the remedies" not in page
    assert "prediction of theory" not in page


def test_a_recording_is_compared_with_other_runs(api_on_both: httpx.Client, sick: RunRecord, broken: RunRecord) -> None:
    first, second = recorded(api_on_both, sick, name="sick"), recorded(api_on_both, broken, name="broken")
    found = api_on_both.get("/v1/comparisons", params={"runs": f"{first},{second}", "baseline": first}).json()
    assert found["arms"][0]["arm"] == "broken"
    assert found["arms"][0]["conditions"] == {"exploding_gradients": 1}


def test_what_is_not_finite_is_a_result(api_on_both: httpx.Client, broken: RunRecord) -> None:
    run_id = recorded(api_on_both, broken)
    run = api_on_both.get(f"/v1/runs/{run_id}").json()
    assert run["reason"]["code"] == "non_finite"
    assert run["diagnosis"]["primary"] == diagnose(broken).primary
    assert run["metrics"]["final_train_loss"] in ("NaN", "Infinity")


def test_a_window_sent_twice_counts_once(api_on_both: httpx.Client) -> None:
    api, run_id = api_on_both, declared(api_on_both)
    for _ in range(2):
        assert send(api, run_id, 0, 2, train_loss=losses(0, 1)).json()["next_window"] == 1
    assert send(api, run_id, 0, 2, train_loss=losses(0, 1)).status_code == 200
    assert send(api, run_id, 1, 3, train_loss=losses(2)).status_code == 202
    assert send(api, run_id, 0, 2, train_loss=losses(0, 1)).status_code == 200  # long ago
    curve = api.get(f"/v1/runs/{run_id}/curves").json()["curves"][0]
    assert curve["steps"] == [0, 1, 2]


def test_a_window_out_of_its_turn_is_a_conflict(api_on_both: httpx.Client) -> None:
    run_id = declared(api_on_both)
    gap = send(api_on_both, run_id, 1, 2, train_loss=losses(0))
    assert gap.status_code == 409
    assert "before window 0" in gap.json()["detail"]
    send(api_on_both, run_id, 0, 2, train_loss=losses(0))
    other = send(api_on_both, run_id, 0, 2, train_loss=losses(1))
    assert other.status_code == 409
    assert "other content" in other.json()["detail"]
    missing = api_on_both.post(f"/v1/recordings/{run_id}/finish", json={"windows": 3})
    assert missing.status_code == 409
    assert "3 windows were sent, 1 arrived" in missing.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"series": [{"statistic": "loss", "steps": [5], "values": [[1.0]]}]}, "/series/0/statistic"),
        ({"series": [{"statistic": "train_loss", "steps": [5, 5], "values": [[1.0], [1.0]]}]}, "/series/0/steps/1"),
        ({"series": [{"statistic": "train_loss", "steps": [5], "values": [[1.0, 2.0]]}]}, "/series/0/values/0"),
        ({"series": [{"statistic": "train_loss", "steps": [5], "values": []}]}, "/series/0/values"),
        ({"series": [{"statistic": "train_loss", "steps": [5], "values": [["nan"]]}]}, "/series/0/values/0/0"),
        ({"series": [{"statistic": "site_grad_rms", "steps": [5], "values": [[1.0]]}]}, "/series/0/values/0"),
        ({"series": [{"statistic": "train_loss", "steps": [1], "values": [[1.0]]}]}, "/series/0/steps/0"),
        ({"series": [{"statistic": "train_loss", "steps": [99], "values": [[1.0]]}]}, "/series/0/steps/0"),
        ({"series": [{"statistic": "train_loss", "steps": [5], "values": [[1.0]]}] * 2}, "/series/1/statistic"),
        ({"step": 1, "series": []}, "/step"),
        ({"step": -1}, "/step"),
        ({"windows": 1}, "/windows"),
    ],
)
def test_a_window_that_does_not_fit_is_refused_with_its_place(api: httpx.Client, changes: Any, pointer: str) -> None:
    run_id = declared(api)
    send(api, run_id, 0, 2, train_loss=losses(0, 1))
    answer = api.post(f"/v1/recordings/{run_id}/statistics", json={"window": 1, "step": 6, "series": [], **changes})
    assert answer.status_code == 422, answer.text
    entry = answer.json()["errors"][0]
    assert entry["pointer"].startswith(pointer)
    assert entry["allowed"] or pointer == "/windows"
    assert send(api, run_id, 1, 6).status_code == 202


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"batch_size": 0}, "/batch_size"),
        ({"sites": [{"name": "a", "units": 1}] * 2}, ""),
        ({"sites": [{"name": "a", "units": 1, "kind": "layer"}]}, "/sites/0/kind"),
        ({"clipping": {"kind": "norm", "max_norm": -1.0}}, "/clipping"),
        ({"constant_loss": -1.0}, "/constant_loss"),
        ({"code": "print()"}, "/code"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused_with_its_place(api: httpx.Client, changes: Any, pointer: str) -> None:
    answer = api.post("/v1/recordings", json={**example(), **changes})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)


def test_the_example_s_window_and_ending_are_accepted(api: httpx.Client) -> None:
    run_id = declared(api)
    (window,), (ending,) = (model.model_config["json_schema_extra"]["examples"] for model in (Window, Ending))
    assert api.post(f"/v1/recordings/{run_id}/statistics", json=window).status_code == 202
    run = api.post(f"/v1/recordings/{run_id}/finish", json=ending).json()
    assert (run["status"], run["diagnosis"]["primary"]) == ("succeeded", "insufficient_evidence")
    assert run["metrics"]["final_validation_accuracy"] == 0.91
    assert run["metrics"]["final_validation_loss"] is None
    assert run["metrics"]["train_seconds"] is None
    assert run["reason"] == {"code": "stopped_early", "text": "the program stopped after 2 of 300 steps"}


def test_without_the_constant_prediction_s_loss_nobody_claims_to_know_what_was_learned(
    api: httpx.Client, sick: RunRecord
) -> None:
    run = api.get(f"/v1/runs/{recorded(api, sick, constant_loss=None)}").json()
    primary, vanishing = run["diagnosis"]["findings"][:2]
    assert primary["condition"] == "insufficient_evidence"
    assert "the loss of always predicting the average is not known" in primary["summary"]
    assert (vanishing["condition"], vanishing["harm"]) == ("vanishing_gradients", False)
    assert run["metrics"]["relative_train_loss"] is None


def test_what_its_program_does_not_say_of_the_end_follows_from_what_it_sent(api: httpx.Client, sick: RunRecord) -> None:
    run_id = recorded(api, sick, end=False)
    first = api.post(f"/v1/recordings/{run_id}/finish", json={}).json()
    assert sick.outcome is not None
    probe = sick.get("probe_loss").values
    assert first["metrics"]["final_train_loss"] == pytest.approx(float(probe[-1, 0]))
    assert first["diagnosis"]["primary"] == "vanishing_gradients"
    again = api.post(f"/v1/recordings/{run_id}/finish", json={})
    assert (again.status_code, again.json()["ended_at"]) == (200, first["ended_at"])


def test_a_recording_of_unknown_length_is_judged_while_it_goes_on(api_on_both: httpx.Client, sick: RunRecord) -> None:
    run_id = recorded(api_on_both, sick, end=False, steps=None)
    run = api_on_both.get(f"/v1/runs/{run_id}").json()
    assert (run["status"], run["progress"]) == ("running", {"step": 30, "steps": None})
    assert "step 30," in api_on_both.get(f"/runs/{run_id}").text
    assert api_on_both.get(f"/v1/runs/{run_id}/events").json()["items"][1]["data"]["so_far"] == ["vanishing_gradients"]
    found = api_on_both.get(f"/v1/runs/{run_id}/diagnosis").json()
    assert (found["provisional"], found["findings"][1]["condition"]) == (True, "vanishing_gradients")
    ended = api_on_both.post(f"/v1/recordings/{run_id}/finish", json={}).json()
    assert (ended["progress"], ended["reason"]["code"]) == ({"step": 30, "steps": 30}, "recorded")


def test_a_cancelled_or_deleted_recording_takes_nothing_more(api_on_both: httpx.Client) -> None:
    canceled, deleted = declared(api_on_both), declared(api_on_both)
    assert api_on_both.post(f"/v1/runs/{canceled}/cancel").json()["status"] == "canceled"
    assert api_on_both.post(f"/v1/runs/{canceled}/cancel").status_code == 200
    answer = send(api_on_both, canceled, 0, 1, train_loss=losses(0))
    assert answer.status_code == 409
    assert "canceled" in answer.json()["detail"]
    assert api_on_both.post(f"/v1/recordings/{canceled}/finish", json={}).status_code == 409
    assert api_on_both.delete(f"/v1/runs/{deleted}").status_code == 204
    assert send(api_on_both, deleted, 0, 1, train_loss=losses(0)).status_code == 404


def test_a_key_makes_one_recording_however_often_it_is_sent(api_on_both: httpx.Client) -> None:
    body, headers = {**example(), "name": "once"}, {"Idempotency-Key": "k"}
    first, second = (api_on_both.post("/v1/recordings", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert api_on_both.post("/v1/recordings", json=example(), headers=headers).status_code == 409
    found = api_on_both.get(first.headers["location"]).json()
    assert (found["next_window"], found["run"]["name"], found["declared"]["batch_size"]) == (0, "once", 64)


def test_a_service_s_own_run_is_no_recording(api: httpx.Client) -> None:
    run_id = api.post("/v1/runs", json={"experiment": experiment()}).json()["id"]
    assert api.get(f"/v1/recordings/{run_id}").status_code == 404
    assert send(api, run_id, 0, 1).status_code == 404
    assert api.post(f"/v1/recordings/{run_id}/finish", json={}).status_code == 404


def test_windows_hold_all_that_was_recorded(sick: RunRecord) -> None:
    sent = windows(sick)
    for name, series in sick.series.items():
        steps = [step for window in sent for each in window["series"] if each["statistic"] == name
                 for step in each["steps"]]  # fmt: skip
        assert steps == series.steps.tolist()
    assert declaration(sick)["steps"] == 30


def test_a_window_that_many_send_at_once_is_stored_once(api_on_both: httpx.Client) -> None:
    run_id = declared(api_on_both)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(api_on_both, run_id, 0, 2, train_loss=losses(0, 1)), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [202]
    curve = api_on_both.get(f"/v1/runs/{run_id}/curves").json()["curves"][0]
    assert curve["steps"] == [0, 1]


def test_a_recording_that_many_end_at_once_is_judged_once(api_on_both: httpx.Client, sick: RunRecord) -> None:
    run_id = recorded(api_on_both, sick, end=False)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: api_on_both.post(f"/v1/recordings/{run_id}/finish", json={}), range(4)))
    assert {(answer.status_code, answer.json()["ended_at"]) for answer in answers} == {
        (200, answers[0].json()["ended_at"])
    }
    assert [each["status"] for each in answers[0].json()["transitions"]] == ["running", "succeeded"]
