import base64
import hashlib
import json
import re
from html import escape, unescape

import pytest

from gradclinic.pages import filters

from .conftest import EXPERIMENT, NASTY, Clinic
from .document import VOID, Page


def addresses(clinic: Clinic) -> list[str]:
    runs = [f"/v1/runs/{run}/report" for run in (clinic.sick, clinic.broken, clinic.waiting)]
    studies = [f"/v1/studies/{study}/report" for study in (clinic.study, clinic.swept, clinic.claim)]
    prescriptions = [f"/v1/prescriptions/{each}/report" for each in (clinic.prescription, clinic.searching)]
    return [*runs, *studies, *prescriptions]


@pytest.fixture(scope="module")
def reports(clinic: Clinic) -> dict[str, str]:
    return {address: clinic.page(address) for address in addresses(clinic)}


@pytest.fixture(scope="module")
def of_study(clinic: Clinic, reports: dict[str, str]) -> str:
    return unescape(reports[f"/v1/studies/{clinic.study}/report"])


@pytest.fixture(scope="module")
def of_sick(clinic: Clinic, reports: dict[str, str]) -> str:
    return unescape(reports[f"/v1/runs/{clinic.sick}/report"])


def test_a_report_asks_for_nothing_and_leads_nowhere(reports):
    for address, text in reports.items():
        page = Page(text)
        for tag, attributes in page.elements:
            assert tag not in ("script", "a", "form", "button", "iframe", "object", "embed", "base"), (address, tag)
            assert "style" not in attributes, address
            for name in ("src", "href", "xlink:href", "srcset", "action", "data"):
                value = attributes.get(name) or "#"
                assert value.startswith(("#", "data:image/")), (address, tag, value[:100])
            assert not any(name.startswith("on") for name in attributes)
        assert "@import" not in text
        assert "url(" not in re.sub(r"url\(#[\w.-]+\)", "", text)


def test_its_policy_lets_in_what_is_in_the_file_and_nothing_else(reports):
    for text in reports.values():
        (policy,) = [each["content"] for each in Page(text).all("meta") if "http-equiv" in each]
        (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in policy
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy


def test_it_is_handed_out_as_a_file_named_after_what_it_reports(clinic):
    answer = clinic.client.get(f"/v1/runs/{clinic.waiting}/report")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="gradclinic-{clinic.waiting}.html"'
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_it_is_well_formed_and_small(reports):
    for address, text in reports.items():
        page = Page(text)
        assert page.open == [], address
        assert len(page.all("h1")) == 1
        identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
        assert len(identifiers) == len(set(identifiers)), address
        assert len(text.encode()) < 1_500_000, address


def test_every_chart_of_a_page_is_drawn_in_its_report(clinic, reports):
    for address, text in reports.items():
        drawings = len(Page(text).all("figure"))
        asked = Page(clinic.page(address.removeprefix("/v1").removesuffix("/report"))).all("figure")
        assert drawings >= len(asked), address
        ready = [figure for figure in asked if "data-later" not in figure]
        assert len([svg for svg in Page(text).all("svg") if svg.get("role") == "img"]) >= len(ready), address


def test_the_report_of_a_run_has_what_is_wrong_with_evidence_and_thresholds_and_both_heatmaps(clinic, of_sick):
    diagnosis = clinic.client.get(f"/v1/runs/{clinic.sick}/diagnosis").json()
    for finding in diagnosis["findings"]:
        assert finding["summary"] in of_sick
        assert finding["source"] in of_sick
    assert "Threshold" in of_sick
    assert of_sick.count('class="drawing on-wide"') == 5
    assert 'aria-label="The same relative to the output' in of_sick


def test_the_report_of_a_run_says_where_it_comes_from(clinic, of_sick):
    run = clinic.client.get(f"/v1/runs/{clinic.sick}").json()
    for fact in (run["id"], run["study_id"], f"torch {run['environment']['torch']}", "Rule set", "Reported by"):
        assert fact in of_sick
    found = {
        name: json.loads(re.search(rf'<pre id="{name}-text"[^>]*>(.*?)</pre>', of_sick, re.DOTALL)[1])
        for name in ("resolved", "environment")
    }
    assert found == {"resolved": run["resolved_experiment"], "environment": run["environment"]}


def test_the_report_of_a_study_has_its_ranking_and_every_arms_diagnosis_over_its_seeds(clinic, of_study):
    comparison = clinic.client.get(f"/v1/studies/{clinic.study}/comparison").json()
    assert comparison["baseline_diagnoses"][0]["summary"] in of_study
    for arm in comparison["arms"]:
        assert arm["reason"] in of_study
        assert arm["diagnoses"][0]["summary"] in of_study
        low, high = arm["effects"]["final_validation_loss"]["ratio_interval"]
        assert f"{filters.short(low)} to {filters.short(high)}" in of_study
    for run in clinic.client.get("/v1/runs", params={"study": clinic.study}).json()["items"]:
        assert run["id"] in of_study
    assert "normalization" in re.search(r'<pre id="trained-text"[^>]*>(.*?)</pre>', of_study, re.DOTALL)[1]


def test_a_study_is_reported_by_the_metric_that_was_asked_for(clinic):
    text = clinic.page(f"/v1/studies/{clinic.study}/report?metric=final_validation_accuracy")
    assert "Validation accuracy" in text
    assert "difference from the baseline, right is better" in text


def test_what_a_person_typed_is_shown_as_it_was_typed_and_does_nothing(reports):
    shown = 0
    for text in reports.values():
        assert "<script" not in text
        assert "<b>bold" not in text
        shown += escape(NASTY).replace("&#x27;", "&#39;") in text
    assert shown >= 4
    for tag, _ in [element for text in reports.values() for element in Page(text).elements]:
        assert tag in VOID or tag not in ("b", "script")


def test_labels_and_sweeps_are_shown_as_they_were_typed(clinic):
    posted = {"experiment": EXPERIMENT, "name": "'\"><svg onload=alert(1)>", "labels": {NASTY: "{{ 7 * 7 }} {% raw %}"}}
    run = clinic.client.post("/v1/runs", json=posted).json()
    text = clinic.page(f"/v1/runs/{run['id']}/report")
    assert "onload" not in {name for _, attributes in Page(text).elements for name in attributes}
    for typed in (posted["name"], NASTY, "{{ 7 * 7 }} {% raw %}"):
        assert typed in unescape(text)
    clinic.client.delete(run["urls"]["self"])


def test_numbers_that_are_not_finite_are_shown_as_such(clinic, reports):
    text = reports[f"/v1/runs/{clinic.broken}/report"]
    assert "NaN" in text or "∞" in text


def test_what_has_not_ended_is_reported_as_far_as_it_is(clinic, reports):
    text = reports[f"/v1/runs/{clinic.waiting}/report"]
    assert "queued" in text
    assert text.count("No data yet.") == 5
    assert "The confirmation is the last round" in reports[f"/v1/prescriptions/{clinic.searching}/report"]


def test_every_page_leads_to_its_report(clinic):
    for address in addresses(clinic):
        page = Page(clinic.page(address.removeprefix("/v1").removesuffix("/report")))
        (link,) = [each for each in page.all("a") if "download" in each]
        assert link["href"].split("?")[0] == address


def test_the_api_says_where_the_report_is(clinic):
    for address in (f"/v1/runs/{clinic.sick}", f"/v1/studies/{clinic.study}", f"/v1/prescriptions/{clinic.searching}"):
        assert clinic.client.get(address).json()["urls"]["report"] == f"{address}/report"


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/v1/runs/run_nowhere/report", 404),
        ("/v1/studies/study_nowhere/report", 404),
        ("/v1/prescriptions/prescription_nowhere/report", 404),
        ("/v1/studies/{study}/report?metric=nonsense", 422),
        ("/v1/runs/%3Cscript%3E/report", 422),
    ],
)
def test_a_wrong_request_is_a_problem_document(clinic, address, status):
    answer = clinic.client.get(address.format(study=clinic.study))
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_service_that_cannot_draw_says_so(clinic, monkeypatch):
    monkeypatch.setattr("gradclinic.pages.saved.can_draw", lambda: False)
    answer = clinic.client.get(f"/v1/runs/{clinic.sick}/report")
    assert answer.status_code == 503
    assert "gradclinic[ui]" in answer.json()["detail"]
