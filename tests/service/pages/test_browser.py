"""The pages in a real browser."""

import io
import json

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from matplotlib.image import imread

from tests.waiting import eventually

from ..api.serving import serving, train
from .chromium import MISSING, browsing, complaints, executable, open_page
from .conftest import EXPERIMENT, Clinic
from .document import paths

pytestmark = [pytest.mark.slow, pytest.mark.skipif(executable() is None, reason=MISSING)]

WIDER = """
[...document.querySelectorAll(".wide")]
  .filter((each) => each.scrollWidth > each.clientWidth)
  .map((each) => each.innerText)
"""
"""The tables that scroll sideways."""
TOUCHING = """
[...document.querySelectorAll(".found + .found")].filter((each) => {
  const [before, here] = [each.previousElementSibling, each].map((one) => one.getClientRects());
  const [end, start] = [before[before.length - 1], here[0]];
  return end && start && Math.abs(end.top - start.top) < 4 && start.left - end.right < 4;
}).map((each) => each.parentElement.innerText)
"""
"""Conditions that stand on one line with no space between them."""


@pytest.fixture(scope="module")
def browser():
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(clinic: Clinic):
    with serving(clinic.client.app.state.service.settings) as client:
        yield str(client.base_url).rstrip("/")


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1400, "height": 800})
    yield context.new_page()
    context.close()


def colours(png: bytes) -> int:
    """Number of different colours in a picture."""
    pixels = np.round(255 * imread(io.BytesIO(png))[..., :3]).astype(int).reshape(-1, 3)
    return len(np.unique(pixels, axis=0))


def drawn(png: bytes) -> float:
    """Fraction of the pixels that are not of the most frequent colour."""
    pixels = np.round(255 * imread(io.BytesIO(png))[..., :3]).astype(int).reshape(-1, 3)
    return 1 - np.unique(pixels, axis=0, return_counts=True)[1].max() / len(pixels)


def test_every_page_loads_without_an_error_and_draws_its_charts(clinic, address, page):
    errors = complaints(page)
    charts = 0
    for path in paths(clinic):
        open_page(page, address + path)
        for chart in page.locator("[data-figure]:not([data-later]) .chart").all():
            picture = chart.screenshot()
            assert colours(picture) > 20, path
            assert drawn(picture) > 0.005, path
            charts += 1
        assert errors == [], path
    assert charts > 15


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_barrier_that_axe_finds(clinic, address, browser, scheme):
    context = browser.new_context(viewport={"width": 1400, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    barriers = {}
    for path in paths(clinic):
        open_page(page, address + path)
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        found = Axe().run(page).response["violations"]
        if found:
            barriers[path] = [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found]
    context.close()
    assert barriers == {}


def test_no_page_and_no_table_is_wider_than_a_phone(clinic, address, page):
    page.set_viewport_size({"width": 400, "height": 800})
    for path in paths(clinic):
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, path
        assert page.evaluate(WIDER) == [], path
        assert page.evaluate(TOUCHING) == [], path


@pytest.mark.parametrize(
    ("kind", "part"), [("run", "verdict"), ("study", "answer"), ("prescription", "cure"), ("check", "verdict")]
)
def test_the_first_screen_has_the_answer_in_words_and_its_chart(clinic, address, page, kind, part):
    path = {
        "run": f"/runs/{clinic.sick}",
        "study": f"/studies/{clinic.study}",
        "prescription": f"/prescriptions/{clinic.prescription}",
        "check": f"/checks/{clinic.check}",
    }[kind]
    open_page(page, address + path)
    words = page.locator(f"[data-part={part}]").bounding_box()
    chart = page.locator(".chart:has(.main-svg)").first.bounding_box()
    assert words["height"] > 40
    assert words["y"] + words["height"] < 800
    assert chart["height"] > 150
    assert chart["y"] + chart["height"] < 800


def test_a_study_is_started_from_new_and_followed_to_its_end(clinic, address, page):
    errors = complaints(page)
    open_page(page, f"{address}/new")
    page.get_by_role("radio", name="Study").check()
    page.get_by_role("checkbox", name="add batch norm").check()
    page.get_by_label("Steps", exact=True).fill("0")
    page.get_by_text("1 problem", exact=True).wait_for()
    start = page.get_by_role("button", name="Start the study")
    assert start.is_disabled()
    assert "greater than or equal to 1" in page.locator("#field-experiment-training-steps-note").inner_text()
    page.get_by_label("Steps", exact=True).fill("25")
    page.get_by_label("Seeds", exact=True).fill("0, 1")
    page.get_by_text("4 runs").wait_for()
    # A text that is typed and what is unfolded stay through each check.
    assert page.evaluate("document.activeElement.id") == "field-seeds"
    assert json.loads(page.locator("#json").input_value())["experiment"]["training"]["steps"] == 25
    assert drawn(page.locator(".chart").screenshot()) > 0.005
    page.get_by_label("Steps", exact=True).fill("30")
    start.click()  # at once: what is started is what was typed last
    page.wait_for_url(f"{address}/studies/*")
    study = page.url.rsplit("/", 1)[1]
    runs = clinic.client.get("/v1/runs", params={"study": study}).json()["items"]
    assert {run["progress"]["steps"] for run in runs} == {30}
    assert errors == []
    train(clinic.client.app.state.service.settings, *(run["id"] for run in runs))
    page.get_by_text("succeeded", exact=True).first.wait_for(timeout=30_000)
    page.locator(".chart .main-svg").first.wait_for(state="attached", timeout=30_000)
    assert errors == []


def test_json_that_is_pasted_fills_the_form_and_the_form_changes_it(clinic, address, page):
    errors = complaints(page)
    open_page(page, f"{address}/new")
    text = page.locator("#json")
    text.fill(json.dumps({"experiment": {**EXPERIMENT, "optimizer": {"kind": "adam", "learning_rate": 0.001}}}))
    page.get_by_label("Learning rate", exact=True).wait_for()
    eventually(lambda: page.locator("#field-experiment-optimizer").input_value() == "adam", within_s=10)
    page.get_by_label("Optimizer: kind").select_option("sgd")
    eventually(lambda: json.loads(text.input_value())["experiment"]["optimizer"]["kind"] == "sgd", within_s=10)
    assert json.loads(text.input_value())["experiment"]["optimizer"]["learning_rate"] == 0.001
    text.fill("{")
    page.get_by_text("This is not JSON").wait_for()
    assert text.input_value() == "{"
    assert errors == []


def test_two_runs_that_are_ticked_in_the_list_are_compared(clinic, address, page):
    errors = complaints(page)
    open_page(page, f"{address}/runs?source=study")
    boxes = page.locator("input[type=checkbox][name=run]")
    chosen = [boxes.nth(index).get_attribute("value") for index in (0, 2)]
    for index in (0, 2):
        boxes.nth(index).check()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url(f"{address}/compare?run={chosen[0]}&run={chosen[1]}")
    page.locator(".chart .main-svg").nth(2).wait_for(state="attached", timeout=30_000)
    for chart in page.locator(".chart").all():
        assert chart.bounding_box()["y"] + chart.bounding_box()["height"] < 800
        assert drawn(chart.screenshot()) > 0.005
    assert errors == []


def test_selected_runs_are_deleted_after_a_question_and_a_refusal_is_told(clinic, address, page):
    client = clinic.client
    made = [
        client.post("/v1/runs", json={"experiment": EXPERIMENT, "name": "to delete"}).json()["id"] for _ in range(2)
    ]
    pinned = client.get("/v1/baselines/main").json()["pin"]["run_ids"][0]
    open_page(page, f"{address}/runs?search=to+delete")
    page.on("dialog", lambda dialog: dialog.accept())
    for box in page.locator("input[name=run]").all():
        box.check()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("2 of 2 runs deleted.").wait_for()
    assert [client.get(f"/v1/runs/{run}").status_code for run in made] == [404, 404]
    open_page(page, f"{address}/runs?search={pinned}")
    page.locator("input[name=run]").check()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("0 of 1 run deleted. 1 refused:").wait_for()


def test_a_statistic_and_a_step_are_chosen_for_the_charts_of_the_layers(clinic, address, page):
    errors = complaints(page)
    open_page(page, f"{address}/runs/{clinic.sick}")
    page.locator("#statistic").select_option("saturated_fraction")
    page.locator("input[name=step]").fill("5")
    page.locator("[data-figure*='/layers']").get_by_text("Saturated fraction at step").wait_for()
    for name in ("heatmap", "layers"):
        figure = page.locator(f"[data-figure*='/{name}']")
        assert "statistic=saturated_fraction" in figure.get_attribute("data-figure")
        assert drawn(figure.locator(".chart").screenshot()) > 0.005
    assert "step=5" in page.locator("[data-figure*='/layers']").get_attribute("data-figure")
    assert errors == []


def test_a_table_is_uploaded_and_one_that_does_not_fit_is_explained(clinic, address, page):
    open_page(page, f"{address}/datasets")

    def upload(rows: str) -> None:
        page.get_by_label("File").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": rows.encode()})
        page.get_by_role("button", name="Upload").click()

    upload("x,class\n1,a\nnothing,b\n")
    page.get_by_text("row 2, column 'x': 'nothing' is not a number").wait_for()
    assert clinic.client.get("/v1/datasets").json()["items"] == []
    upload("x,class\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(40)))
    page.get_by_text("2 classes").wait_for()
    (made,) = clinic.client.get("/v1/datasets").json()["items"]
    assert (made["rows"], made["classes"]) == (40, ["a", "b"])
    clinic.client.delete(f"/v1/datasets/{made['id']}")


def test_no_button_of_a_chart_sends_it_away(clinic, address, page):
    open_page(page, f"{address}/runs/{clinic.sick}")
    buttons = {each.get_attribute("data-title") for each in page.locator(".modebar-btn").all()}
    assert "Zoom" in buttons
    assert not any("Share" in title or "Edit" in title for title in buttons)


@pytest.mark.parametrize("kind", ["an ended run", "a search that goes on"])
def test_a_service_that_stops_is_noticed_and_found_again(clinic, page, kind):
    path = f"/runs/{clinic.sick}" if kind == "an ended run" else f"/prescriptions/{clinic.searching}"
    settings = clinic.client.app.state.service.settings
    notice = page.locator(".gone")
    with serving(settings) as client:
        port = client.base_url.port
        open_page(page, f"http://127.0.0.1:{port}{path}")
        assert not notice.is_visible()
    notice.wait_for(state="visible", timeout=15_000)
    assert "does not answer" in notice.inner_text()
    with serving(settings, port=port):
        notice.wait_for(state="hidden", timeout=15_000)
