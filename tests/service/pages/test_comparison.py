import re
from dataclasses import dataclass
from html import unescape

import pytest

from gradclinic.pages.run_groups import differences, fields_of, grouped

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
    assert "<code>100</code>" in text
    assert "/optimizer/kind" not in text


def test_their_curves_and_profiles_are_overlaid(clinic):
    for name in ("curves", "profiles"):
        figure = clinic.client.get(f"/v1/figures/comparisons/{name}?runs={clinic.sick},{clinic.broken}").json()
        lines = [trace for trace in figure["data"] if "lines" in trace["mode"]]
        assert len(lines) == 2, name


def test_runs_that_have_recorded_nothing_have_no_figures_yet(clinic):
    text = clinic.page(f"/compare?run={clinic.waiting}&run={clinic.waiting}")
    assert "Select two" in text
    assert clinic.client.get(f"/v1/figures/comparisons/curves?runs={clinic.waiting}").status_code == 409


def test_queued_runs_of_one_experiment_are_compared_before_they_have_a_diagnosis(clinic):
    waiting = clinic.client.get("/v1/runs?status=queued&source=prescription").json()["items"]
    assert len(waiting) > 1
    clinic.page("/compare?" + "&".join(f"run={run['id']}" for run in waiting))


@pytest.mark.parametrize(
    ("query", "status"),
    [("?run=run_nowhere", 404), ("?run=%3Cb%3E", 422), ("?" + "&".join(f"run=run_{n}" for n in range(25)), 422)],
)
def test_a_wrong_choice_is_answered_with_a_page(clinic, query, status):
    answer = clinic.client.get("/compare" + query)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")


def test_the_seeds_of_an_experiment_are_one_column_one_line_and_one_band(clinic):
    runs = clinic.client.get("/v1/runs", params={"study": clinic.study}).json()["items"]
    text = clinic.page("/compare?" + "&".join(f"run={run['id']}" for run in runs))
    assert "4 runs compared: 2 experiments" in text
    assert re.findall(r'">(seed \d)</a>', text) == ["seed 1", "seed 0"] * 2
    chosen = ",".join(run["id"] for run in runs)
    curves = clinic.client.get(f"/v1/figures/comparisons/curves?runs={chosen}").json()
    assert ["fill" in trace for trace in curves["data"]] == [True, False] * 2
    profiles = clinic.client.get(f"/v1/figures/comparisons/profiles?runs={chosen}").json()
    assert ["fill" in trace for trace in profiles["data"]] == [True, False] * 2


@dataclass
class Declared:
    """What a group needs of a run."""

    id: str
    resolved_experiment: dict
    origin: str = "service"
    study_id: str | None = None
    arm: str | None = None
    name: str | None = None
    seed: int = 0
    point: dict | None = None
    model: str | None = None


def declared(run_id, rate, seed=0, **more):
    experiment = {"optimizer": {"kind": "sgd", "learning_rate": rate}, "training": {"seed": seed}, "layers": [1, 2]}
    return Declared(run_id, experiment, **more)


def groups(*runs):
    return grouped(runs)


def test_runs_that_differ_in_their_seed_alone_are_a_group_with_their_common_name():
    found = groups(declared("a", 0.1, 0, arm="x"), declared("b", 0.2, arm="y"), declared("c", 0.1, 1, arm="x"))
    named = [(group.name, [run.id for run in group.runs]) for group in found]
    assert named == [
        ("x", ["a", "c"]),
        ("y, seed 0", ["b"]),
    ]
    alike = groups(*(declared(f"{rate} {seed}", rate, seed, model="MLP") for rate in (1, 2) for seed in (0, 1)))
    assert [group.name for group in alike] == ["MLP", "MLP (2)"]


def test_runs_of_a_program_of_ones_own_belong_together_only_as_an_arm_of_its_study():
    own = [Declared(f"r{index}", {}, "external") for index in range(2)]
    assert len(groups(*own)) == 2
    arms = [Declared(f"r{index}", {}, "external", study_id="s", arm="x") for index in range(2)]
    assert len(groups(*arms)) == 1


def test_only_the_fields_that_differ_are_listed_and_never_the_seed():
    (found,) = differences(groups(declared("a", 0.1, 0), declared("b", 0.2, 1)))
    assert (found.field, found.values) == ("/optimizer/learning_rate", ["0.1", "0.2"])
    other = Declared("b", {"optimizer": {"kind": "adam"}, "training": {"seed": 3}, "layers": [1, 2]})
    kind, rate = differences(groups(declared("a", 0.1), other))
    assert (kind.values, rate.values) == (["sgd", "adam"], ["0.1", ""])
    assert list(fields_of({"b": [True, {"c": None}], "a": "x"})) == ["/a", "/b/0", "/b/1/c"]
