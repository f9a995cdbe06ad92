import json
import re
from html import unescape

from .conftest import EXPERIMENT


def test_a_claim_that_was_tested_shows_its_ruling_its_figures_and_its_study(clinic):
    query = {"study": clinic.claim, "quick": True}
    ruling = clinic.client.get("/v1/claims/lower_rate_avoids_divergence/ruling", params=query).json()
    text = unescape(clinic.page("/claims?quick=true"))
    assert ruling["explanation"] in text
    assert f'href="/studies/{clinic.claim}"' in text
    for figure in ruling["figures"]:
        assert figure["name"] in text
    table = text[text.index("<table") : text.index("</table>")]
    assert table.count("<tr>") == 1 + len(clinic.client.get("/v1/claims").json()["items"])
    assert ruling["explanation"] in table
    assert 'href="#lower_rate_avoids_divergence"' in table
    assert "has been tested yet" not in text
    full = unescape(clinic.page("/claims"))
    assert ruling["explanation"] not in full
    assert "No full variant has been tested yet." in full


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
