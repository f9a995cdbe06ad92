import json
import re
from dataclasses import replace
from html import escape, unescape
from html.parser import HTMLParser

import pytest

from gradclinic.pages import pages
from gradclinic.pages.words import number
from gradclinic.use_cases.prescription import step

from .conftest import EXPERIMENT, NASTY, Clinic

VOID = {"meta", "link", "input", "br", "img", "hr"}


class Page(HTMLParser):
    """What a browser would make of a page: its elements, and whether every one that opens closes."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def parts(macro: str, *arguments: object) -> str:
    """What one macro of the templates makes of its arguments."""
    return str(getattr(pages.templates.get_template("parts.html").module, macro)(*arguments))


def paths(clinic: Clinic) -> list[str]:
    runs = [f"/runs/{run}" for run in (clinic.sick, clinic.broken, clinic.waiting)]
    studies = [f"/studies/{study}" for study in (clinic.study, clinic.swept, clinic.claim)]
    prescriptions = [f"/prescriptions/{each}" for each in (clinic.prescription, clinic.searching)]
    checks = [f"/checks/{each}" for each in (clinic.check, clinic.checking)]
    lists = [
        "/",
        "/prescriptions",
        "/checks",
        "/checks?baseline=main",
        "/claims",
        "/claims?quick=true",
        "/datasets",
        "/catalogue",
        "/docs",
    ]
    return [*lists, *studies, *runs, *prescriptions, *checks]


def test_every_page_is_well_formed_and_has_one_heading_and_a_title(clinic):
    for path in paths(clinic):
        page = Page(clinic.page(path))
        assert page.open == [], path
        assert len(page.all("h1")) == 1, path
        assert page.all("html")[0]["lang"] == "en"
        identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
        assert len(identifiers) == len(set(identifiers)), path


def test_the_policy_lets_nothing_in_from_elsewhere_and_no_page_asks_for_it(clinic):
    for path in paths(clinic):
        answer = clinic.client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        page = Page(answer.text)
        for tag, attribute in (("script", "src"), ("link", "href"), ("img", "src")):
            for attributes in page.all(tag):
                assert (attributes[attribute] or "").startswith(("/static/", "/v1/figures/")), path
        assert all(script.get("src") for script in page.all("script"))
        assert all("style" not in attributes for _, attributes in page.elements)
        assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_what_a_person_typed_is_shown_as_it_was_typed_and_does_nothing(clinic):
    places = ("/", f"/studies/{clinic.study}", f"/runs/{clinic.broken}", f"/prescriptions/{clinic.prescription}")
    for path in (*places, "/prescriptions"):
        text = clinic.page(path)
        assert "<script>alert" not in text
        assert "<b>bold" not in text
        assert escape(NASTY).replace("&#x27;", "&#39;") in text


def test_every_link_of_ours_leads_somewhere(clinic):
    seen = set()
    for path in paths(clinic):
        for attributes in Page(clinic.page(path)).all("a"):
            address = (attributes["href"] or "").split("#")[0]
            # That every figure can be drawn is test_figure_routes' business, and that every report can, test_report's.
            drawn = address.endswith(("format=png", "format=svg")) or "download" in attributes
            if address and address not in seen and not drawn:
                seen.add(address)
                # What waits has no figures yet, which is a 409 with its reason.
                waits = "/figures/" in address or clinic.waiting in address
                expected = {200, 409} if waits else {200}
                assert clinic.client.get(address).status_code in expected, address
    assert len(seen) > 10


def test_a_sick_run_reads_as_words_with_evidence_and_remedies(clinic):
    text = unescape(clinic.page(f"/runs/{clinic.sick}"))
    assert "Vanishing gradients" in text
    assert re.search(r"Gradients lose \d+\.\d decades from output to input", text)
    for word in ("Evidence", "Confidence", "Layers, worst first", "Remedies to try for it", "add batch norm"):
        assert word in text
    assert "Gradient lost from output to input" in text


def test_a_study_says_what_is_wrong_over_its_seeds(clinic):
    text = unescape(clinic.page(f"/studies/{clinic.study}"))
    section = re.search(r'<section aria-labelledby="diagnosis">(.*?)</section>', text, re.DOTALL)[1]
    comparison = clinic.client.get(f"/v1/studies/{clinic.study}/comparison").json()
    (diagnosis,) = comparison["baseline_diagnoses"]
    assert diagnosis["summary"] in section
    for finding in diagnosis["findings"]:
        assert f"{finding['seeds']} of {finding['of']}" in section


def test_the_suggested_trial_can_be_posted_as_it_stands(clinic):
    text = unescape(clinic.page(f"/runs/{clinic.sick}"))
    body = json.loads(re.search(r'<pre id="trial-text"[^>]*>(.*?)</pre>', text, re.DOTALL)[1])
    assert body["arms"]
    answer = clinic.client.post("/v1/studies", json={**body, "seeds": [0]})
    assert answer.status_code == 202, answer.text
    clinic.client.post(f"/v1/studies/{answer.json()['id']}/cancel")


def test_a_run_that_broke_off_says_where_and_shows_numbers_that_are_not_finite(clinic):
    text = clinic.page(f"/runs/{clinic.broken}")
    assert "exploding gradients" in text or "divergence" in text
    assert "NaN" in text or "∞" in text


@pytest.mark.parametrize(
    ("early", "said"), [(True, "whether it hurts learning is not known yet"), (False, "all the same")]
)
def test_a_finding_before_the_end_does_not_say_that_the_network_learned(clinic, early, said):
    (finding, *_) = clinic.client.get(f"/v1/runs/{clinic.sick}/diagnosis").json()["findings"]
    text = parts("finding", {**finding, "harm": False}, early)
    assert said in text
    assert ("all the same" in text) is not early


def test_a_run_that_ended_before_anything_was_recorded_promises_no_charts(clinic):
    run = clinic.client.post("/v1/runs", json={"experiment": EXPERIMENT}).json()
    assert "Nothing to show so far" in clinic.page(f"/runs/{run['id']}")
    clinic.client.post(run["urls"]["cancel"])
    text = clinic.page(f"/runs/{run['id']}")
    assert Page(text).all("figure") == []
    assert "so far" not in text
    clinic.client.delete(run["urls"]["self"])


def test_what_a_run_ended_with_is_explained(clinic):
    text = clinic.page(f"/runs/{clinic.sick}")
    for name in clinic.client.get(f"/v1/runs/{clinic.sick}").json()["metrics"]:
        row = re.search(rf'<tr><th scope="row">{name.replace("_", " ").capitalize()}</th>.*?</tr>', text)[0]
        assert re.search(r'<td class="quiet">\w.+</td>', row), name


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (13_853.0, "13,853"),
        (13_853, "13,853"),
        (0.12345, "0.1235"),
        (-0.5, "−0.5"),
        (9.001e22, "9.001e+22"),
        (None, "–"),
    ],
)
def test_numbers_read_as_a_person_writes_them(value, shown):
    assert number(value) == shown


def test_an_identifier_in_a_sentence_stays_what_it_is(clinic):
    assert "There is no run &#39;run_nowhere&#39;" in clinic.client.get("/runs/run_nowhere").text


def test_names_in_the_catalogues_sentences_are_set_as_code(clinic):
    text = clinic.page("/catalogue")
    assert "<code>depth</code> hidden layers" in text
    assert "`" not in re.sub(r"<pre.*?</pre>", "", text, flags=re.DOTALL)


def test_a_run_that_waits_says_so_and_is_kept_fresh(clinic):
    page = Page(clinic.page(f"/runs/{clinic.waiting}"))
    assert page.all("main")[0]["data-live"] == f"/v1/runs/{clinic.waiting}/events"
    assert "recorded nothing yet" in clinic.page(f"/runs/{clinic.waiting}")


def test_what_has_ended_is_not_asked_for_again(clinic):
    assert "data-live" not in Page(clinic.page(f"/runs/{clinic.sick}")).all("main")[0]
    assert "data-live" not in Page(clinic.page(f"/studies/{clinic.study}")).all("main")[0]


def test_a_study_says_what_each_arm_did_and_why(clinic):
    text = clinic.page(f"/studies/{clinic.study}")
    comparison = clinic.client.get(f"/v1/studies/{clinic.study}/comparison").json()
    for arm in comparison["arms"]:
        assert escape(arm["reason"]).replace("&#x27;", "&#39;") in text
        assert arm["verdict"].replace("_", " ") in text


def test_a_study_can_be_compared_by_another_metric(clinic):
    assert "Final validation accuracy" in clinic.page(f"/studies/{clinic.study}?metric=final_validation_accuracy")


def test_the_list_can_be_narrowed_to_what_is_wrong(clinic):
    text = clinic.page("/?condition=vanishing_gradients")
    assert f"/runs/{clinic.sick}" in text
    assert f"/runs/{clinic.broken}" not in text


def test_the_catalogue_lists_what_the_api_lists(clinic):
    text = clinic.page("/catalogue")
    for section, entries in clinic.client.get("/v1/catalogue").json().items():
        if isinstance(entries, list):
            for entry in entries:
                assert f'id="{section}-{entry["kind"]}"' in text


def test_no_page_asks_for_a_figure_that_is_not_there_yet(clinic):
    for path in paths(clinic):
        for figure in Page(clinic.page(path)).all("figure"):
            status = clinic.client.get(figure["data-figure"]).status_code
            assert status == (409 if "data-later" in figure else 200), (path, figure["data-figure"])


def test_a_prescription_shows_diagnosis_race_control_and_what_was_tried(clinic):
    text = unescape(clinic.page(f"/prescriptions/{clinic.prescription}"))
    answer = clinic.client.get(f"/v1/prescriptions/{clinic.prescription}").json()
    assert answer["why"] in text
    assert "in 3 of 3 seeds" in text
    assert re.search(r"Gradients lose \d+\.\d decades", text)
    for said in ("3 of 3 runs", "remedies drawn by chance", f"of {answer['budget']['runs']} runs"):
        assert said in text
    for each in answer["tried"]:
        for run in each["runs"]:
            assert f'/runs/{run["run_id"]}"' in text
    for draw in answer["control"]["draws"]:
        assert f'/runs/{draw["run_id"]}"' in text


def test_a_run_leads_to_the_prescription_that_asked_for_it_and_a_study_to_the_claim_that_it_tests(clinic):
    run = clinic.client.get(f"/v1/prescriptions/{clinic.prescription}").json()["tried"][0]["runs"][0]["run_id"]
    assert f'href="/prescriptions/{clinic.prescription}"' in clinic.page(f"/runs/{run}")
    assert 'href="/prescriptions/' not in clinic.page(f"/runs/{clinic.sick}")
    assert 'href="/claims?quick=true#lower_rate_avoids_divergence"' in clinic.page(f"/studies/{clinic.claim}")


def test_a_prescription_with_a_cure_has_it_ready_to_post(clinic, monkeypatch):
    report = dict(clinic.client.app.state.service.store.prescriptions.get(clinic.prescription).report)
    remedies = [{"kind": "add_batch_norm", "momentum": 0.1, "eps": 1e-05}]
    cured = {**EXPERIMENT, "model": {**EXPERIMENT["model"], "normalization": "batch_norm"}}
    simpler = {"name": "x", "remedies": [{"kind": "lower_learning_rate", "factor": 0.1}], "evidence": None}
    cure = {"name": "add_batch_norm", "remedies": remedies, "evidence": None, "resolved_experiment": cured}
    report |= {"ending": "cured", "cure": {**cure, "simplest": simpler, "best": {**cure}}}
    found = replace(clinic.client.app.state.service.store.prescriptions.get(clinic.prescription), report=report)
    monkeypatch.setattr(clinic.client.app.state.service.store.prescriptions, "get", lambda _: found)
    text = clinic.page(f"/prescriptions/{clinic.prescription}")
    assert "simplest confirmed cure is another: <strong>lower learning rate (factor 0.1)</strong>" in text
    assert 'data-copy="cured-text"' in text
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
    assert "Prescription for mlp on digits" in text


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


def test_a_claim_that_was_tested_shows_its_ruling_its_figures_and_its_study(clinic):
    query = {"study": clinic.claim, "quick": True}
    ruling = clinic.client.get("/v1/claims/lower_rate_avoids_divergence/ruling", params=query).json()
    text = unescape(clinic.page("/claims?quick=true"))
    assert ruling["explanation"] in text
    assert f'href="/studies/{clinic.claim}"' in text
    for figure in ruling["figures"]:
        assert figure["name"] in text
    assert ruling["explanation"] not in unescape(clinic.page("/claims"))


def test_a_claims_study_can_be_posted_from_the_page_as_it_stands(clinic):
    text = clinic.page("/claims?quick=true")
    found = re.search(r'<pre id="study-deeper_is_worse-text"[^>]*>(.*?)</pre>', text, re.DOTALL)
    answer = clinic.client.post("/v1/studies", json=json.loads(unescape(found[1])))
    assert answer.status_code == 202, answer.text
    assert f'href="/studies/{answer.json()["id"]}"' in clinic.page("/claims?quick=true")
    clinic.client.delete(answer.json()["urls"]["self"])


def test_a_study_that_only_bears_a_claims_labels_is_not_taken_for_its_test(clinic):
    labels = {"claim": "deeper_is_worse", "variant": "quick"}
    other = clinic.client.post("/v1/studies", json={"experiment": EXPERIMENT, "seeds": [0], "labels": labels}).json()
    assert f'href="/studies/{other["id"]}"' not in clinic.page("/claims?quick=true")
    clinic.client.delete(other["urls"]["self"])


def test_uploaded_rows_have_a_page_with_what_is_known_of_them(clinic):
    assert "gradclinic upload" in clinic.page("/datasets")
    table = f"x,y,{NASTY}\n" + "".join(f"{i % 7},{i},{'ab'[i % 2]}{NASTY}\n" for i in range(40))
    made = clinic.client.post("/v1/datasets", content=table, headers={"Content-Type": "text/csv"}).json()
    text = unescape(clinic.page("/datasets"))
    for words in (made["id"], "2 classes", "bytes", "UTC"):
        assert words in text
    assert NASTY not in clinic.page("/datasets")
    clinic.client.delete(f"/v1/datasets/{made['id']}")
    assert made["id"] not in clinic.page("/datasets")


def test_a_swept_study_has_a_map_and_names_its_runs_by_their_place(clinic):
    text = unescape(clinic.page(f"/studies/{clinic.swept}"))
    assert f"/v1/figures/studies/{clinic.swept}/map" in text
    assert "baseline, seed 0, learning rate 0.1, depth 2" in text
    assert "/map" not in clinic.page(f"/studies/{clinic.study}")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/runs/run_nowhere", 404),
        ("/prescriptions/prescription_nowhere", 404),
        ("/claims?quick=perhaps", 422),
        ("/studies/study_nowhere", 404),
        ("/runs/%3Cscript%3E", 422),
        ("/?status=broken", 422),
        ("/?condition=%3Cscript%3E", 422),
    ],
)
def test_a_wrong_address_is_answered_with_a_page(clinic, path, status):
    answer = clinic.client.get(path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<script>" not in answer.text
    assert "Content-Security-Policy" in answer.headers


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_an_address_where_nothing_is_shows_a_browser_a_page_and_a_program_a_problem(clinic):
    page = clinic.client.get("/nothing/<b>", headers={"Accept": BROWSER})
    assert page.status_code == 404
    assert "There is nothing at /nothing/&lt;b&gt;." in page.text
    assert len(Page(page.text).all("h1")) == 1
    for path, accept in (("/nothing", "*/*"), ("/nothing", "application/json"), ("/v1/nothing", BROWSER)):
        answer = clinic.client.get(path, headers={"Accept": accept})
        assert answer.headers["Content-Type"] == "application/problem+json", (path, accept)


def test_the_map_of_a_sweep_comes_first(clinic):
    text = clinic.page(f"/studies/{clinic.swept}")
    assert text.index('id="map"') < text.index('id="ranking"')
    assert "learning rate at 3 values, depth at 2 values" in text


def test_a_run_for_a_gpu_says_that_it_waits_for_one(clinic):
    training = {**EXPERIMENT["training"], "device": "cuda"}
    run = clinic.client.post("/v1/runs", json={"experiment": {**EXPERIMENT, "training": training}}).json()
    assert "waiting for a worker with a GPU" in clinic.page(f"/runs/{run['id']}")
    clinic.client.delete(run["urls"]["self"])
