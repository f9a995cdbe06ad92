import json
import re
from html import unescape

import pytest

from gradclinic.pages.configuration import configuration_of
from gradclinic.pages.run import slope_in_words

from ..diagnoses import finding
from .conftest import EXPERIMENT
from .document import Page, parts


def test_a_sick_run_reads_as_words_with_evidence_and_remedies(clinic):
    text = unescape(clinic.page(f"/runs/{clinic.sick}"))
    assert "Vanishing gradients" in text
    assert re.search(r"Gradients shrink by a factor of 10\^\d+\.\d from output to input", text)
    for word in ("Evidence", "Confidence", "Layers, worst first", "Suggested remedies", "add batch norm"):
        assert word in text
    assert "Gradient lost from output to input" in text


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


@pytest.mark.parametrize(("early", "said"), [(True, "whether it hurts learning is not known yet"), (False, "anyway")])
def test_a_finding_before_the_end_does_not_say_that_the_network_learned(early, said):
    text = parts("finding", finding(harm=False), early)
    assert said in text
    assert ("anyway" in text) is not early


@pytest.mark.parametrize(("confidence", "said"), [(0.5, "it may have hurt learning"), (0.51, "it hurt learning")])
def test_a_possibility_is_said_to_be_one(confidence, said):
    assert said in parts("finding", finding(confidence=confidence), False)


def test_too_little_evidence_before_the_end_is_no_finding_with_a_confidence():
    scarce = finding(condition="insufficient_evidence", harm=False, summary="The run has not ended.")
    early = parts("finding", scarce, True)
    assert "It is too early for a diagnosis. The run has not ended." in early
    assert "onfidence" not in early
    assert "onfidence" not in parts("finding", scarce, False)


def test_a_run_that_ended_before_anything_was_recorded_promises_no_charts(clinic):
    run = clinic.client.post("/v1/runs", json={"experiment": EXPERIMENT}).json()
    assert "No data yet" in clinic.page(f"/runs/{run['id']}")
    clinic.client.post(run["urls"]["cancel"])
    text = clinic.page(f"/runs/{run['id']}")
    assert Page(text).all("figure") == []
    assert "so far" not in text
    clinic.client.delete(run["urls"]["self"])


def test_what_a_run_ended_with_is_explained(clinic):
    text = clinic.page(f"/runs/{clinic.sick}")
    for name, value in clinic.client.get(f"/v1/runs/{clinic.sick}").json()["metrics"].items():
        row = re.search(rf'<tr><th scope="row">{name.replace("_", " ").capitalize()}</th>.*?</tr>', text)
        if value is None:
            assert row is None
            continue
        row = row[0]
        assert re.search(r'<td class="quiet">\w.+</td>', row), name


def test_a_run_that_waits_says_so_and_is_kept_fresh(clinic):
    page = Page(clinic.page(f"/runs/{clinic.waiting}"))
    assert page.all("main")[0]["data-live"] == f"/v1/runs/{clinic.waiting}/events"
    assert "recorded nothing yet" in clinic.page(f"/runs/{clinic.waiting}")


def test_a_run_leads_to_the_prescription_that_asked_for_it_and_a_study_to_the_claim_that_it_tests(clinic):
    run = clinic.client.get(f"/v1/prescriptions/{clinic.prescription}").json()["tried"][0]["runs"][0]["run_id"]
    assert f'href="/prescriptions/{clinic.prescription}"' in clinic.page(f"/runs/{run}")
    assert 'href="/prescriptions/' not in clinic.page(f"/runs/{clinic.sick}")
    assert 'href="/claims?quick=true#lower_rate_avoids_divergence"' in clinic.page(f"/studies/{clinic.claim}")


def test_a_run_for_a_gpu_says_that_it_waits_for_one(clinic):
    training = {**EXPERIMENT["training"], "device": "cuda"}
    run = clinic.client.post("/v1/runs", json={"experiment": {**EXPERIMENT, "training": training}}).json()
    assert "waiting for a worker with a GPU" in clinic.page(f"/runs/{run['id']}")
    clinic.client.delete(run["urls"]["self"])


@pytest.mark.parametrize(
    ("slope", "predicted", "words"),
    [
        (7.64, 7.6, "shrinks by a factor of 10^7.6 from output to input at step 0, predicted 7.6"),
        (-2.0, None, "grows by a factor of 10^2.0 from output to input at step 0"),
        (-0.2, -0.01, "D = -0.2: the gradient is level from output to input at step 0, predicted 0.0"),
        (float("inf"), None, "is exactly 0 on its way"),
    ],
)
def test_the_decay_of_the_gradient_is_a_sentence(slope, predicted, words):
    assert words in slope_in_words(slope, predicted)


def test_a_run_shows_its_configuration_and_its_network_as_code(clinic):
    text = clinic.page(f"/runs/{clinic.sick}").split('id="configuration"')[1].split("</section>")[0]
    assert '<tr><td>Model</td><th scope="row">Kind</th><td>mlp</td></tr>' in text
    assert '<tr><td></td><th scope="row">Depth</th><td>8</td></tr>' in text
    assert '<tr><td></td><th scope="row">Activation</th><td>sigmoid</td></tr>' in text
    assert '<tr class="quiet"><td></td><th scope="row">Momentum</th><td>0.0</td></tr>' in text
    code = text.split('id="code-text"')[1].partition(">")[2].split("</pre>")[0]
    compile(unescape(code), "network", "exec")
    assert "nn.Sequential" in code


def test_a_long_list_of_layers_is_cut_and_an_experiment_of_another_version_has_no_code(clinic):
    layers = [{"kind": "linear", "out_features": 8}] * 300
    found = configuration_of(clinic.client.app.state.service, {"model": {"kind": "of tomorrow", "layers": layers}})
    assert len(found.settings) == 100
    assert found.more == 501
    assert found.code is None
