import pytest

from gradclinic.pages import drawing

from .conftest import Clinic

RUN_FIGURES = (
    "heatmap", "heatmap?scale=relative", "heatmap?statistic=saturated_fraction", "heatmap?statistic=weight_norm_l2",
    "layers", "layers?step=3&statistic=preactivation_mean", "profile", "curves",
)  # fmt: skip
STUDY_FIGURES = ("curves", "ranking", "ranking?metric=final_validation_accuracy", "profiles", "profiles?at=end")


def addresses(clinic: Clinic) -> list[str]:
    return [
        *(f"/v1/figures/runs/{run}/{name}" for name in RUN_FIGURES for run in (clinic.sick, clinic.broken)),
        *(f"/v1/figures/studies/{clinic.study}/{name}" for name in STUDY_FIGURES),
        *(f"/v1/figures/studies/{clinic.swept}/map{metric}" for metric in ("", "?metric=final_validation_accuracy")),
        *(f"/v1/figures/prescriptions/{clinic.prescription}/{name}" for name in ("race", "ranking")),
    ]


def test_every_figure_is_plotly_json_by_default(clinic):
    for address in addresses(clinic):
        answer = clinic.client.get(address)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "application/json"
        assert set(answer.json()) == {"data", "layout"}


def test_every_figure_can_be_drawn_by_format_and_by_accept(clinic):
    for address in addresses(clinic):
        joint = "&" if "?" in address else "?"
        png = clinic.client.get(f"{address}{joint}format=png")
        assert png.headers["Content-Type"] == "image/png"
        assert png.content.startswith(b"\x89PNG")
        svg = clinic.client.get(address, headers={"Accept": "image/svg+xml"})
        assert svg.headers["Content-Type"] == "image/svg+xml"
        assert "<svg" in svg.text


def test_a_drawing_is_the_same_each_time(clinic):
    address = f"/v1/figures/studies/{clinic.study}/profiles?format=svg"
    assert clinic.client.get(address).content == clinic.client.get(address).content


def test_the_profile_lays_the_prediction_over_the_measurement(clinic):
    figure = clinic.client.get(f"/v1/figures/runs/{clinic.sick}/profile").json()
    names = [line["name"] for line in figure["data"]]
    assert names == ["measured at step 0", "measured at step 29", "predicted for step 0"]
    measured, predicted = figure["data"][0]["y"], figure["data"][2]["y"]
    assert measured[0] < 1e-3 * measured[-1]
    assert predicted[-1] == measured[-1]


def test_a_statistic_is_drawn_by_layer_at_the_step_that_is_chosen(clinic):
    address = f"/v1/figures/runs/{clinic.sick}"
    recorded = clinic.client.get(f"/v1/runs/{clinic.sick}/profile?statistic=site_grad_max_abs&step=7").json()
    figure = clinic.client.get(f"{address}/layers?statistic=site_grad_max_abs&step=7").json()
    assert figure["data"][0]["name"] == f"step {recorded['step']}"
    assert figure["layout"]["yaxis"]["type"] == "log"
    assert figure["data"][0]["y"] == pytest.approx([each["value"] for each in recorded["points"]], rel=1e-3)
    linear = clinic.client.get(f"{address}/layers?statistic=saturated_fraction").json()
    assert "type" not in linear["layout"]["yaxis"]


def test_a_fraction_is_coloured_from_0_to_1_and_a_mean_with_its_sign(clinic):
    address = f"/v1/figures/runs/{clinic.sick}/heatmap?statistic="
    (fraction,) = clinic.client.get(f"{address}saturated_fraction").json()["data"]
    assert (fraction["zmin"], fraction["zmax"]) == (0, 1)
    assert fraction["colorbar"]["title"]["text"] == "saturated fraction"
    (mean,) = clinic.client.get(f"{address}preactivation_mean").json()["data"]
    assert mean["zmin"] == -mean["zmax"] < 0


def test_the_page_of_a_run_offers_the_statistics_of_its_layers(clinic):
    text = clinic.page(f"/runs/{clinic.sick}")
    assert '<option value="update_to_weight_ratio">' in text
    assert '<option value="train_loss">' not in text
    refused = clinic.client.get(f"/v1/figures/runs/{clinic.sick}/heatmap?statistic=train_loss")
    assert "no statistic of layers" in refused.text


def test_the_profiles_of_a_study_hold_the_arms_against_the_baseline(clinic):
    figure = clinic.client.get(f"/v1/figures/studies/{clinic.study}/profiles").json()
    bands = [trace for trace in figure["data"] if "fill" in trace]
    baseline, remedy = (trace for trace in figure["data"] if "fill" not in trace)
    assert baseline["name"] == "baseline"
    assert len(bands) == 2
    assert min(bands[0]["y"]) <= baseline["y"][0] <= max(bands[0]["y"])
    assert "over 2 seeds" in figure["layout"]["annotations"][0]["text"]
    assert baseline["y"][0] / baseline["y"][-1] < 1e-3 < remedy["y"][0] / remedy["y"][-1]


def test_the_curves_of_a_study_have_a_band_over_the_seeds_of_each_arm(clinic):
    figure = clinic.client.get(f"/v1/figures/studies/{clinic.study}/curves").json()
    bands = [trace for trace in figure["data"] if trace.get("fill") == "toself"]
    lines = [trace for trace in figure["data"] if "fill" not in trace]
    assert len(bands) == len(lines) == 2
    assert lines[0]["name"] == "baseline"
    assert figure["layout"]["shapes"][0]["label"]["text"] == "nothing learned"


def test_the_map_of_a_swept_study_has_a_panel_an_arm_and_marks_what_is_not_finite(clinic):
    figure = clinic.client.get(f"/v1/figures/studies/{clinic.swept}/map").json()
    panels = {(trace["xaxis"], trace["yaxis"]) for trace in figure["data"]}
    assert panels == {("x", "y"), ("x2", "y")}
    assert figure["layout"]["xaxis"]["type"] == "log"
    assert "type" not in figure["layout"]["yaxis"]
    broken = [trace["z"] for trace in figure["data"] if trace.get("name") == "not finite"]
    assert any(row[2] == 1 for z in broken for row in z)


def test_a_study_without_a_sweep_has_no_map(clinic):
    answer = clinic.client.get(f"/v1/figures/studies/{clinic.study}/map")
    assert answer.status_code == 409
    assert "swept" in answer.json()["detail"]


def test_the_race_shows_every_candidate_beside_the_unchanged_experiment(clinic):
    figure = clinic.client.get(f"/v1/figures/prescriptions/{clinic.prescription}/race").json()
    names = figure["layout"]["yaxis"]["ticktext"]
    tried = clinic.client.get(f"/v1/prescriptions/{clinic.prescription}").json()["tried"]
    assert names[:2] == ["no remedy", "random control"]
    assert len(names) == 2 + len(tried)
    rounds = [trace["name"] for trace in figure["data"]]
    assert rounds == [each for each in ("diagnose", "screen", "improve", "race", "confirm") if each in rounds]
    assert {"diagnose", "screen", "race", "confirm"} <= set(rounds)  # what already cures is not improved on


def test_before_anything_is_recorded_the_answer_says_so(clinic):
    for name in ("heatmap", "profile", "curves"):
        answer = clinic.client.get(f"/v1/figures/runs/{clinic.waiting}/{name}")
        assert answer.status_code == 409
        assert "yet" in answer.json()["detail"]
    for name in ("race", "ranking"):
        answer = clinic.client.get(f"/v1/figures/prescriptions/{clinic.searching}/{name}")
        assert (answer.status_code, "yet" in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/v1/figures/runs/run_nowhere/heatmap", 404),
        ("/v1/figures/studies/study_nowhere/ranking", 404),
        ("/v1/figures/studies/{study}/ranking?metric=nonsense", 422),
        ("/v1/figures/studies/{study}/map?metric=nonsense", 422),
        ("/v1/figures/studies/study_nowhere/map", 404),
        ("/v1/figures/prescriptions/prescription_nowhere/race", 404),
        ("/v1/figures/runs/{run}/heatmap?scale=huge", 422),
        ("/v1/figures/runs/{run}/heatmap?format=gif", 422),
    ],
)
def test_a_wrong_request_is_a_problem_document(clinic, address, status):
    answer = clinic.client.get(address.format(study=clinic.study, run=clinic.sick))
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_media_type_that_cannot_be_drawn_is_refused(clinic):
    answer = clinic.client.get(f"/v1/figures/runs/{clinic.sick}/heatmap", headers={"Accept": "image/gif"})
    assert answer.status_code == 406


def test_requests_beyond_a_few_wait_for_no_drawing_and_are_told_to_come_back(clinic, monkeypatch):
    """Else those that wait would hold all threads, of which lists and plain figures need some."""
    address = f"/v1/figures/runs/{clinic.sick}/curves"
    monkeypatch.setattr(drawing.turns, "wait_s", 0.01)
    with drawing.turns.one():
        for drawn in (f"{address}?format=png", f"/v1/runs/{clinic.sick}/report"):
            answer = clinic.client.get(drawn)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert "are being drawn" in answer.json()["detail"]
        assert clinic.client.get(address).status_code == 200
    assert clinic.client.get(f"{address}?format=png").status_code == 200


def test_a_figure_with_too_many_rows_for_an_image_is_given_as_json_only(clinic, monkeypatch):
    monkeypatch.setattr(drawing, "MOST_HEIGHT", 100)
    address = f"/v1/figures/studies/{clinic.study}/ranking"
    answer = clinic.client.get(f"{address}?format=svg")
    assert (answer.status_code, answer.json()["errors"][0]["allowed"]) == (422, "json")
    assert clinic.client.get(f"{address}?format=json").status_code == 200
    assert "too many rows" in clinic.client.get(f"/v1/studies/{clinic.study}/report").text


def test_a_step_that_no_database_can_compare_is_refused(clinic):
    answer = clinic.client.get(f"/v1/figures/runs/{clinic.sick}/layers?step={2**63}")
    assert answer.status_code == 422
