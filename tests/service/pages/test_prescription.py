import json
import re
from dataclasses import replace
from html import unescape

import pytest

from gradclinic.prescription import ConfirmedCandidate, Cure
from gradclinic.remedies.add_batch_norm import AddBatchNorm
from gradclinic.remedies.lower_learning_rate import LowerLearningRate
from gradclinic.use_cases.prescription import step

from .conftest import EXPERIMENT
from .document import Page


def test_a_prescription_shows_diagnosis_race_control_and_what_was_tried(clinic):
    text = unescape(clinic.page(f"/prescriptions/{clinic.prescription}"))
    answer = clinic.client.get(f"/v1/prescriptions/{clinic.prescription}").json()
    assert answer["why"] in text
    assert "in 3 of 3 seeds" in text
    assert re.search(r"Gradients shrink by a factor of 10\^\d+\.\d", text)
    for said in ("3 of 3 runs", "random remedies", f"of {answer['budget']['runs']} runs"):
        assert said in text
    for each in answer["tried"]:
        for run in each["runs"]:
            assert f'/runs/{run["run_id"]}"' in text
    for draw in answer["control"]["draws"]:
        assert f'/runs/{draw["run_id"]}"' in text


@pytest.mark.parametrize("changed", [None, "elsewhere"])
def test_a_run_whose_round_people_have_changed_breaks_no_page(clinic, changed):
    (run, *_) = clinic.client.app.state.service.store.prescriptions.trials(clinic.prescription).values()
    address = f"/v1/runs/{run.id}"
    assert clinic.client.patch(address, json={"labels": {"round": changed}}).status_code == 200
    clinic.page(f"/prescriptions/{clinic.prescription}")
    assert clinic.client.get(f"/v1/figures/prescriptions/{clinic.prescription}/race").status_code == 200
    clinic.client.patch(address, json={"labels": {"round": run.labels["round"]}})


def test_a_prescription_with_a_cure_has_it_ready_to_post(clinic, monkeypatch):
    known = clinic.client.app.state.service.store.prescriptions.get(clinic.prescription)
    cured = {**EXPERIMENT, "model": {**EXPERIMENT["model"], "normalization": "batch_norm"}}
    norm = {"name": "add_batch_norm", "remedies": (AddBatchNorm(),), "evidence": None}
    simpler = ConfirmedCandidate(name="x", remedies=(LowerLearningRate(factor=0.1),), evidence=None)
    cure = Cure(**norm, resolved_experiment=cured, simplest=simpler, best=ConfirmedCandidate(**norm))
    found = replace(known, report=replace(known.report, ending="cured", cure=cure))
    monkeypatch.setattr(clinic.client.app.state.service.store.prescriptions, "get", lambda _: found)
    text = clinic.page(f"/prescriptions/{clinic.prescription}")
    assert "simplest confirmed cure is another one: <strong>lower learning rate (factor 0.1)</strong>" in text
    assert 'data-copy="cured-text"' in text
    changes = unescape(text.split('id="code-changes-text"')[1].partition(">")[2].split("</pre>")[0])
    assert "+    *(" in changes
    assert "BatchNorm1d" in changes
    for name in ("cured", "as-remedies"):
        body = json.loads(unescape(re.search(rf'<pre id="{name}-text"[^>]*>(.*?)</pre>', text, re.DOTALL)[1]))
        answer = clinic.client.post("/v1/runs", json=body)
        assert answer.status_code == 202, answer.text
        assert answer.json()["resolved_experiment"]["model"]["normalization"] == "batch_norm"
        clinic.client.delete(answer.json()["urls"]["self"])


def test_a_search_that_goes_on_is_kept_fresh_and_says_in_which_round_it_is(clinic):
    text = clinic.page(f"/prescriptions/{clinic.searching}")
    assert "data-live" in Page(text).all("main")[0]
    assert re.search(r'round-now" aria-current="step"><span><strong>Diagnose', text)
    assert "0 of 3 runs" in text
    assert "Cure for MLP 8 x 16, sigmoid on digits" in text


def test_a_cancelled_search_says_so_and_shows_no_empty_charts(clinic):
    made = clinic.client.post("/v1/prescriptions", json={"experiment": EXPERIMENT}).json()
    clinic.client.post(made["urls"]["cancel"])
    text = clinic.page(f"/prescriptions/{made['id']}")
    assert "The search was cancelled" in text
    assert "goes on" not in text
    assert Page(text).all("figure") == []
    clinic.client.delete(made["urls"]["self"])


def test_a_search_whose_run_was_deleted_still_has_a_page(clinic):
    made = clinic.client.post("/v1/prescriptions", json={"experiment": EXPERIMENT}).json()
    for run in clinic.client.get(made["urls"]["runs"]).json()["items"]:
        clinic.client.delete(f"/v1/runs/{run['id']}")
    step(clinic.client.app.state.service, made["id"])
    text = clinic.page(f"/prescriptions/{made['id']}")
    assert "3 runs of the search were deleted" in text
    clinic.client.delete(made["urls"]["self"])
