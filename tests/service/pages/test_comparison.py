from html import unescape

import pytest

from .document import Page


def address(clinic):
    return f"/compare?run={clinic.sick}&run={clinic.broken}"


def test_runs_that_were_selected_in_the_list_are_shown_side_by_side(clinic):
    form = Page(clinic.page("/runs"))
    boxes = {each["value"] for each in form.all("input") if each.get("type") == "checkbox"}
    assert clinic.broken in boxes
    assert any(each.get("action") == "/compare" for each in form.all("form"))
    text = unescape(clinic.page(address(clinic)))
    assert f"/runs/{clinic.sick}" in text
    assert f"/runs/{clinic.broken}" in text
    assert "/optimizer/learning_rate" in text
    assert "100.0" in text


def test_their_curves_and_profiles_are_overlaid(clinic):
    for name in ("curves", "profiles"):
        figure = clinic.client.get(f"/v1/figures/comparisons/{name}?runs={clinic.sick},{clinic.broken}").json()
        lines = [trace for trace in figure["data"] if "lines" in trace["mode"]]
        assert len(lines) == 2, name


def test_runs_that_have_recorded_nothing_have_no_figures_yet(clinic):
    text = clinic.page(f"/compare?run={clinic.waiting}&run={clinic.waiting}")
    assert "Select two" in text
    assert clinic.client.get(f"/v1/figures/comparisons/curves?runs={clinic.waiting}").status_code == 409


@pytest.mark.parametrize(
    ("query", "status"), [("?run=run_nowhere", 404), ("?run=%3Cb%3E", 422), ("?" + "&".join(["run=run_a"] * 13), 422)]
)
def test_a_wrong_choice_is_answered_with_a_page(clinic, query, status):
    answer = clinic.client.get("/compare" + query)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
