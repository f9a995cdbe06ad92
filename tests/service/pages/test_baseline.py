from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gradclinic.pages.figures import trend

from ..comparison.runs import arm
from .conftest import Clinic
from .document import Page
from .test_check import LOSSES, found

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def checks(*factors):
    """Checks at noon of each day, whose losses are these times the baseline's."""
    return [
        (NOON + timedelta(days=day), found(arm("new", [loss * factor for loss in LOSSES])))
        for day, factor in enumerate(factors)
    ]


def test_the_page_of_a_baseline_says_how_its_last_check_ended_and_what_is_pinned(clinic: Clinic):
    text = clinic.page("/baselines/main")
    assert "The last check was inconclusive." in text
    assert f'href="/checks/{clinic.check}"' in text
    assert f'href="/studies/{clinic.study}">a study</a>' in text
    assert "MLP 8 x 16, sigmoid on digits" in text
    assert "Validation loss</dt>" in text
    assert "nightly" in text
    figures = [each["data-figure"] for each in Page(text).all("figure")]
    assert figures[0] == "/v1/figures/baselines/main/final_validation_loss"
    assert clinic.client.get(figures[0]).json()["data"]
    assert b"<svg" in clinic.client.get(figures[0], params={"format": "svg"}).content


def test_a_baseline_is_found_from_its_checks_and_from_the_list(clinic: Clinic):
    for path in ("/checks", "/checks?baseline=main", f"/checks/{clinic.check}"):
        assert 'href="/baselines/main"' in clinic.page(path)
    assert clinic.client.get("/v1/baselines/main").json()["urls"]["page"] == "/baselines/main"


def test_what_is_not_there_is_refused_with_what_is(clinic: Clinic):
    assert clinic.client.get("/baselines/other", headers={"Accept": "text/html"}).status_code == 404
    answer = clinic.client.get("/v1/figures/baselines/main/depth_slope")
    assert answer.status_code == 404
    assert "final_validation_loss" in answer.json()["detail"]


def test_each_check_has_a_mark_in_the_colour_of_its_verdict_and_the_margin_can_be_seen():
    figure = trend(checks(1.0, 1.05, 3.0))
    marks = {each["name"].split(": ")[-1]: each for each in figure["data"] if each["mode"] == "markers"}
    assert {verdict: each["x"] for verdict, each in marks.items()} == {"pass": [0, 1], "fail": [2]}
    assert marks["fail"]["y"] == [pytest.approx(3.0, rel=0.01)]
    low, high = figure["layout"]["yaxis"]["range"]
    assert 10**low < 1.0 < 1.1 < 3.0 < 10**high
    assert [shape["y0"] for shape in figure["layout"]["shapes"]] == [1.0, pytest.approx(1.1), pytest.approx(1.1)]


def test_a_check_without_a_mean_leaves_a_gap():
    before, (at, last) = checks(1.0, 1.0)
    figure = trend([before, (at, last), (at, replace(last, effect=None))])
    line = next(each for each in figure["data"] if each["mode"] == "lines")
    assert line["y"][2] is None


def test_many_checks_have_few_dates():
    figure = trend(checks(*[1.0] * 20))
    assert len(figure["layout"]["xaxis"]["ticktext"]) <= 6
