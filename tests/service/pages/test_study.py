import re
from html import escape, unescape

from .conftest import EXPERIMENT
from .document import Page


def test_a_study_says_what_is_wrong_over_its_seeds(clinic):
    text = unescape(clinic.page(f"/studies/{clinic.study}"))
    section = re.search(r'<section aria-labelledby="diagnosis">(.*?)</section>', text, re.DOTALL)[1]
    comparison = clinic.client.get(f"/v1/studies/{clinic.study}/comparison").json()
    (diagnosis,) = comparison["baseline_diagnoses"]
    assert diagnosis["summary"] in section
    for finding in diagnosis["findings"]:
        assert f"{finding['seeds']} of {finding['of']}" in section


def test_a_study_says_what_each_arm_did_and_why(clinic):
    text = clinic.page(f"/studies/{clinic.study}")
    comparison = clinic.client.get(f"/v1/studies/{clinic.study}/comparison").json()
    for arm in comparison["arms"]:
        assert escape(arm["reason"]).replace("&#x27;", "&#39;") in text
        assert arm["verdict"].replace("_", " ") in text


def test_a_study_can_be_compared_by_another_metric(clinic):
    assert "Final validation accuracy" in clinic.page(f"/studies/{clinic.study}?metric=final_validation_accuracy")


def test_a_swept_study_has_a_map_and_names_its_runs_by_their_place(clinic):
    text = unescape(clinic.page(f"/studies/{clinic.swept}"))
    assert f"/v1/figures/studies/{clinic.swept}/map" in text
    assert "baseline, seed 0, learning rate 0.1, depth 2" in text
    assert "/map" not in clinic.page(f"/studies/{clinic.study}")


def test_the_map_of_a_sweep_comes_first(clinic):
    text = clinic.page(f"/studies/{clinic.swept}")
    assert text.index('id="map"') < text.index('id="ranking"')
    assert "learning rate at 3 values, depth at 2 values" in text


def test_arms_whose_runs_have_not_ended_wait_without_rank_verdict_or_chart(clinic):
    arms = [{"name": "norm", "remedies": [{"kind": "add_batch_norm"}]}]
    study = clinic.client.post("/v1/studies", json={"experiment": EXPERIMENT, "arms": arms, "seeds": [0, 1, 2]}).json()
    text = clinic.page(f"/studies/{study['id']}")
    assert "Waiting: 0 of 3 runs have ended." in text
    assert "inconclusive" not in text
    (ranking,) = [each for each in Page(text).all("figure") if "/ranking" in each["data-figure"]]
    assert "data-later" in ranking
    answer = clinic.client.get(ranking["data-figure"])
    assert answer.status_code == 409
    assert "0 of 3 runs of the arms have ended" in answer.json()["detail"]
    clinic.client.post(study["urls"]["cancel"])
    clinic.client.delete(study["urls"]["self"])


def test_a_study_of_the_baseline_alone_compares_nothing(clinic):
    study = clinic.client.post("/v1/studies", json={"experiment": EXPERIMENT, "seeds": [0]}).json()
    assert "/ranking" not in clinic.page(f"/studies/{study['id']}")
    answer = clinic.client.get(f"/v1/figures/studies/{study['id']}/ranking")
    assert (answer.status_code, "only the baseline" in answer.json()["detail"]) == (409, True)
    clinic.client.post(study["urls"]["cancel"])
    clinic.client.delete(study["urls"]["self"])
