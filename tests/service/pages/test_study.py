import re
from dataclasses import replace
from html import escape, unescape

from gradclinic.pages.study import answer

from .conftest import EXPERIMENT
from .document import Page
from .test_figures import arm, comparison


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
    for each in comparison["arms"]:
        assert escape(each["reason"]).replace("&#x27;", "&#39;") in text
        assert each["verdict"].replace("_", " ") in text


def test_a_study_can_be_compared_by_another_metric(clinic):
    assert "Final validation accuracy" in clinic.page(f"/studies/{clinic.study}?metric=final_validation_accuracy")


def test_a_swept_study_has_a_map_and_names_its_runs_by_their_place(clinic):
    text = unescape(clinic.page(f"/studies/{clinic.swept}"))
    assert f"/v1/figures/studies/{clinic.swept}/map" in text
    assert "baseline, seed 0, learning rate 0.1, depth 2" in text
    assert "/map" not in clinic.page(f"/studies/{clinic.study}")


def test_the_map_of_a_sweep_comes_first(clinic):
    text = clinic.page(f"/studies/{clinic.swept}")
    assert text.index(f"{clinic.swept}/map") < text.index(f"{clinic.swept}/curves") < text.index('id="ranking"')
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
    text = clinic.page(f"/studies/{study['id']}")
    assert "/ranking" not in text
    assert "No run of the baseline has ended yet." in text
    answer = clinic.client.get(f"/v1/figures/studies/{study['id']}/ranking")
    assert (answer.status_code, "only the baseline" in answer.json()["detail"]) == (409, True)
    clinic.client.post(study["urls"]["cancel"])
    assert "No run of the baseline has a result." in clinic.page(f"/studies/{study['id']}")
    clinic.client.delete(study["urls"]["self"])


def test_the_answer_of_a_study_comes_first_in_words(clinic):
    text = unescape(clinic.page(f"/studies/{clinic.study}"))
    comparison = clinic.client.get(f"/v1/studies/{clinic.study}/comparison").json()
    (best,) = comparison["arms"]
    words = re.search(r'<div data-part="answer">(.*?)</div>', text, re.DOTALL)[1]
    assert best["reason"] in words
    assert comparison["baseline_diagnoses"][0]["summary"] in words
    assert text.index('data-part="answer"') < text.index("/ranking") < text.index("/curves") < text.index("<table>")


def told(*verdicts):
    named = (
        replace(arm(rank, f"arm {rank}"), verdict=each, reason="Because.") for rank, each in enumerate(verdicts, 1)
    )
    return answer(comparison(*named))


def test_the_answer_names_the_arms_that_cure_or_improve_or_says_that_none_does():
    assert told("cures", "no_effect") == "arm 1 cures it. Because."
    assert told("cures", "cures", "improves") == "arm 1 cures it. Because. So does arm 2."
    assert told("improves", "harms") == "arm 1 improves it. Because."
    assert told("no_effect").startswith("No arm is shown to be better than the baseline. The best one is arm 1.")
    assert answer(replace(comparison(arm(1, "a")), complete=False)).startswith("Some runs have not ended")
    assert answer(comparison()) == ""
