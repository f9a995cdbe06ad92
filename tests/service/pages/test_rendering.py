import os
import subprocess
import sys
from html import escape, unescape

import pytest

from .conftest import NASTY
from .document import Page, paths

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_every_page_is_well_formed_and_has_one_heading_and_a_title(clinic):
    for path in paths(clinic):
        page = Page(clinic.page(path))
        assert page.open == [], path
        assert len(page.all("h1")) == 1, path
        assert page.all("html")[0]["lang"] == "en"
        identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
        assert len(identifiers) == len(set(identifiers)), path


def test_every_page_belongs_to_one_entry_of_the_navigation(clinic):
    entries = set()
    for path in paths(clinic):
        header = clinic.page(path).split("<header>")[1].split("</header>")[0]
        here = [link for link in Page(header).all("a") if "aria-current" in link]
        assert len(here) == 1, path
        entries.add(here[0]["href"])
    assert entries == {"/", "/runs", "/studies", "/prescriptions", "/checks", "/catalogue", "/new"}


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


def test_no_page_asks_for_a_figure_that_is_not_there_yet(clinic):
    for path in paths(clinic):
        for figure in Page(clinic.page(path)).all("figure"):
            status = clinic.client.get(figure["data-figure"]).status_code
            assert status == (409 if "data-later" in figure else 200), (path, figure["data-figure"])


def test_an_identifier_in_a_sentence_stays_what_it_is(clinic):
    assert "There is no run &#39;run_nowhere&#39;" in clinic.client.get("/runs/run_nowhere").text


def test_what_has_ended_is_not_asked_for_again(clinic):
    assert "data-live" not in Page(clinic.page(f"/runs/{clinic.sick}")).all("main")[0]
    assert "data-live" not in Page(clinic.page(f"/studies/{clinic.study}")).all("main")[0]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/runs/run_nowhere", 404),
        ("/prescriptions/prescription_nowhere", 404),
        ("/claims?quick=perhaps", 422),
        ("/studies/study_nowhere", 404),
        ("/runs/%3Cscript%3E", 422),
        ("/runs?status=broken", 422),
        ("/runs?condition=%3Cscript%3E", 422),
    ],
)
def test_a_wrong_address_is_answered_with_a_page(clinic, path, status):
    answer = clinic.client.get(path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<script>" not in answer.text
    assert "Content-Security-Policy" in answer.headers


def test_an_address_where_nothing_is_shows_a_browser_a_page_and_a_program_a_problem(clinic):
    page = clinic.client.get("/nothing/<b>", headers={"Accept": BROWSER})
    assert page.status_code == 404
    assert "There is nothing at /nothing/&lt;b&gt;." in page.text
    assert len(Page(page.text).all("h1")) == 1
    for path, accept in (("/nothing", "*/*"), ("/nothing", "application/json"), ("/v1/nothing", BROWSER)):
        answer = clinic.client.get(path, headers={"Accept": accept})
        assert answer.headers["Content-Type"] == "application/problem+json", (path, accept)


def test_an_address_with_a_parameter_that_is_not_valid_says_which_one_and_what_was_sent(clinic):
    page = clinic.client.get("/runs?status=zz", headers={"Accept": BROWSER})
    assert page.status_code == 422
    words = unescape(page.text)
    assert "This address is not valid" in words
    assert "The parameter status should be one of queued, running" in words
    assert ", not 'zz'." in words


def test_a_hint_names_the_command_that_works_in_this_installation():
    show = "from gradclinic.pages.rendering import templates; print(templates.get_template('studies.html').render("
    show += "studies=[], next=None, first=True, live=False, plotly='', plotly_styles=''))"
    elsewhere = {name: value for name, value in os.environ.items() if name != "GRADCLINIC_COMMAND"}
    for command, environment in (
        ("gradclinic", elsewhere),
        ("./run gradclinic", {**elsewhere, "GRADCLINIC_COMMAND": "./run gradclinic"}),
    ):
        text = subprocess.run([sys.executable, "-c", show], env=environment, check=True, capture_output=True, text=True)
        assert f"<pre>{command} init study\n{command} study study.yaml</pre>" in text.stdout
