import re
from dataclasses import replace
from html import escape, unescape
from types import SimpleNamespace

from gradclinic.comparison import RunConditions
from gradclinic.pages.study import _is_posted, answer

from .conftest import EXPERIMENT
from .document import Page
from .test_figures import arm, comparison, ratio


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
    assert "Validation accuracy" in clinic.page(f"/studies/{clinic.study}?metric=final_validation_accuracy")


def test_a_swept_study_has_a_map_whose_cells_have_values_and_lead_to_their_runs(clinic):
    text = unescape(clinic.page(f"/studies/{clinic.swept}"))
    runs = clinic.client.get("/v1/runs", params={"study": clinic.swept, "limit": 100}).json()["items"]
    for run in runs:
        learning_rate, depth = run["sweep_point"].values()
        (cell,) = re.findall(rf'href="/runs/{run["id"]}" title="([^"]*)">([^<]+)</a>', text)
        assert cell[0].startswith(f"learning rate {learning_rate:g}, depth {depth:g}: ")
        assert cell[1] != "–"
    assert "/map" not in clinic.page(f"/studies/{clinic.study}")


def test_the_map_of_a_sweep_comes_first(clinic):
    text = clinic.page(f"/studies/{clinic.swept}")
    assert text.index('class="map"') < text.index(f"{clinic.swept}/curves") < text.index('id="ranking"')
    assert "learning rate at 3 values, depth at 2 values" in text


def test_the_runs_of_a_study_are_a_grid_of_arms_and_seeds(clinic):
    grid = clinic.page(f"/studies/{clinic.study}").split('<table class="grid">')[1].split("</table>")[0]
    assert [grid.count(f">Seed {seed}<") for seed in (0, 1, 2)] == [1, 1, 0]
    assert grid.count('href="/runs/run_') == 4


def test_arms_whose_runs_have_not_ended_wait_without_rank_verdict_or_chart(clinic):
    arms = [{"name": "norm", "remedies": [{"kind": "add_batch_norm"}]}]
    study = clinic.client.post("/v1/studies", json={"experiment": EXPERIMENT, "arms": arms, "seeds": [0, 1, 2]}).json()
    text = clinic.page(f"/studies/{study['id']}")
    assert "Waiting: 0 of 3 runs have ended." in text
    assert "inconclusive" not in text
    assert "0 of 3 runs ended" in text
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


def test_the_answer_of_a_study_comes_first_in_words_then_the_table_beside_the_curves(clinic):
    text = unescape(clinic.page(f"/studies/{clinic.study}"))
    comparison = clinic.client.get(f"/v1/studies/{clinic.study}/comparison").json()
    words = re.search(r'<div data-part="answer">(.*?)</div>', text, re.DOTALL)[1]
    assert comparison["baseline_diagnoses"][0]["summary"] in words
    assert text.index('data-part="answer"') < text.index("<table") < text.index("/curves") < text.index("/ranking")


def told(*verdicts, **effects):
    named = (
        replace(arm(rank, f"arm {rank}", **effects), verdict=each, reason="Because.")
        for rank, each in enumerate(verdicts, 1)
    )
    return answer(comparison(*named))


def test_the_answer_names_the_arms_that_cure_or_improve_or_says_that_none_does():
    assert told("cures", "no_effect") == "arm 1 cures it."
    assert told("cures", "cures", "improves") == "arm 1 cures it; so does arm 2."
    assert told("cures", "cures", "cures") == "arm 1 cures it; so do arm 2 and arm 3."
    assert told(*["cures"] * 6).endswith("; so do arm 2, arm 3 and 3 more.")
    assert told("improves", "harms") == "arm 1 improves it."
    assert told("no_effect") == "No arm is shown to be better than the baseline; the best one is arm 1."
    assert answer(replace(comparison(arm(1, "a")), complete=False)).startswith("Some runs have not ended")
    assert answer(comparison()) == ""


def test_the_answer_says_what_the_best_arm_reached_and_the_baseline():
    effect = replace(ratio(0.5), arm_mean=0.4841, baseline_mean=2.306)
    assert told("cures", final_validation_loss=effect) == "arm 1 cures it: validation loss 0.484 instead of 2.31."


def test_over_a_sweep_the_answer_says_in_how_many_runs_the_network_learned():
    at = {"/optimizer/learning_rate": 0.1}
    seeds = [RunConditions(run_id="", seed=0, sweep_point=at, primary="", harmful=(), learned=no) for no in (0, 0, 1)]
    swept = replace(comparison(arm(1, "a")), baseline_conditions_by_seed=tuple(seeds))
    assert answer(swept) == "a cures it: it learned in 3 of 3 runs, the baseline in 1."


def test_of_a_sweep_of_the_baseline_alone_the_answer_says_at_which_points_it_learned():
    seeds = [
        RunConditions(
            run_id="", seed=seed, sweep_point={"/model/depth": depth}, primary="", harmful=(), learned=learned
        )
        for depth, seed, learned in ((2, 0, True), (2, 1, True), (4, 0, True), (4, 1, False), (8, 0, False))
    ]
    swept = replace(comparison(), baseline_conditions_by_seed=tuple(seeds))
    assert answer(swept) == "It learned at 1 of 3 points of the sweep: depth 2."
    assert answer(replace(swept, complete=False)) == ""


def test_of_a_sweep_the_figures_and_the_diagnosis_are_of_the_experiment_as_posted(clinic):
    address = f"/v1/figures/studies/{clinic.swept}/curves"
    notes = [each["text"] for each in clinic.client.get(address).json()["layout"]["annotations"]]
    posted = clinic.client.get(f"/v1/studies/{clinic.swept}").json()["experiment"]
    assert posted["optimizer"]["learning_rate"] == 0.1
    assert posted["model"]["depth"] not in (1, 2)  # no point has all its values, so the first one is shown
    assert any("at learning rate 0.001, depth 1" in note for note in notes)
    swept = SimpleNamespace(experiment=posted)
    assert _is_posted({"/optimizer/learning_rate": 0.1}, swept)
    assert not _is_posted({"/optimizer/learning_rate": 1.0}, swept)
    assert not _is_posted(None, swept)


def test_the_points_of_a_sweep_are_in_the_order_of_their_values(clinic):
    compared = clinic.client.get(f"/v1/studies/{clinic.swept}/comparison").json()
    points = [tuple(each["sweep_point"].values()) for each in compared["baseline_diagnoses"]]
    assert points == sorted(points)
