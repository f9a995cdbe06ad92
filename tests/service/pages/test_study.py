import re
from html import escape, unescape


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
