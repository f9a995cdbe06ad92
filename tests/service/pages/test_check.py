import pytest

from gradclinic.pages.figures import margin
from gradclinic.pages.trend import trend_of
from gradclinic.regression import check

from ..comparison.runs import NAN, arm, run
from .conftest import EXPERIMENT, Clinic

LOSSES = [0.50, 0.52, 0.48, 0.51, 0.49]


def found(new, *, metric="final_validation_loss", allowed=0.1, baseline=None):
    report = check(baseline or arm("baseline", LOSSES), new, margins={metric: allowed})
    return report.metrics[0]


def traces(figure):
    return {trace["name"].split(":")[0]: trace for trace in figure["data"]}


def test_the_page_of_a_check_says_the_verdict_and_by_what(clinic: Clinic):
    text = clinic.page(f"/checks/{clinic.check}")
    assert "verdict-inconclusive" in text
    assert "3 seeds would decide" in text
    assert "Validation loss" in text
    assert 'data-figure="/v1/figures/checks/' in text
    assert "vanishing gradients" in text
    assert "data-live" not in text
    assert f"/v1/checks/{clinic.check}?format=junit" in text


def test_a_check_with_too_few_seeds_says_so_from_its_start(clinic: Clinic):
    for check_id in (clinic.check, clinic.checking):
        note = clinic.client.get(f"/v1/checks/{check_id}").json()["notes"][0]
        assert "3 can" in note
        assert note in clinic.page(f"/checks/{check_id}")


def test_a_check_begins_with_what_changed_since_the_pinned_runs(clinic: Clinic):
    assert "Nothing: the same experiment is trained again." in clinic.page(f"/checks/{clinic.check}")
    changed = {**EXPERIMENT, "optimizer": {"kind": "sgd", "learning_rate": 0.2, "momentum": 0.9}}
    request = {"baseline": "main", "experiment": changed, "remedies": [{"kind": "add_batch_norm"}], "seeds": [0]}
    made = clinic.client.post("/v1/checks", json=request).json()["id"]
    text = clinic.page(f"/checks/{made}")
    shown = text.split("What changed since the pinned runs?")[1].partition("</dl>")[0]
    for place, before, after in (("Optimizer learning rate", "0.1", "0.2"), ("Optimizer momentum", "0.0", "0.9")):
        assert f"<dt>{place}</dt><dd><del>{before}</del> → <ins>{after}</ins></dd>" in shown
    assert "<dt>Model normalization</dt><dd><del>none</del> → <ins>batch_norm</ins></dd>" in shown
    assert shown.count("<dt>") == 3
    clinic.client.post(f"/v1/checks/{made}/cancel")


def test_the_trend_of_a_baseline_draws_its_checks_with_the_margin(clinic: Clinic):
    trend = trend_of(clinic.client.app.state.service.store.checks.page(baseline="main", limit=10).items)
    assert (trend.metric, trend.checks) == ("final_validation_loss", 1)
    assert trend.line.startswith("M0 ")
    assert trend.margin.endswith("H100")
    assert trend_of([]) is None
    assert "in the last 1 checks; dashed: the margin" in clinic.page("/checks")


def test_a_check_that_goes_on_keeps_its_page_fresh(clinic: Clinic):
    text = clinic.page(f"/checks/{clinic.checking}")
    assert "data-live" in text
    assert "judged when all runs have ended" in text
    assert clinic.client.get(f"/v1/figures/checks/{clinic.checking}/final_validation_loss").status_code == 409
    assert clinic.client.get(f"/v1/figures/checks/{clinic.checking}/depth_slope").status_code == 404


def test_the_list_shows_verdicts_baselines_and_schedules(clinic: Clinic):
    text = clinic.page("/checks")
    assert f'href="/checks/{clinic.check}"' in text
    assert 'href="/baselines/main"' in text
    assert "nightly" in text
    assert "03:00:00 UTC" in text
    assert "nightly" not in clinic.page("/checks?baseline=main")
    assert "No checks yet" in clinic.page("/checks?baseline=other")


def test_a_run_leads_to_the_check_that_asked_for_it(clinic: Clinic):
    run_id = clinic.client.get(f"/v1/checks/{clinic.check}").json()["run_ids"][0]
    assert f'href="/checks/{clinic.check}"' in clinic.page(f"/runs/{run_id}")


def test_the_figure_of_a_metric_is_json_png_and_svg(clinic: Clinic):
    address = f"/v1/figures/checks/{clinic.check}/final_validation_loss"
    assert clinic.client.get(address).json()["data"]
    assert clinic.client.get(address, params={"format": "png"}).content.startswith(b"\x89PNG")
    assert b"<svg" in clinic.client.get(address, params={"format": "svg"}).content


def test_the_margin_the_interval_and_every_seed_can_be_seen():
    figure = margin(found(arm("new", [loss * 1.05 for loss in LOSSES])))
    shown = traces(figure)
    low, high = figure["layout"]["xaxis"]["range"]
    assert low < 1.0 < 1.1 < high
    assert shown["margin"]["x"] == [1.1, 1.1]
    assert len(shown["each seed"]["x"]) == 5
    assert shown["mean and interval"]["marker"]["color"] == "#009E73"
    assert figure["layout"]["shapes"][1]["x0"] == 1.1
    assert figure["layout"]["shapes"][1]["x1"] == pytest.approx(high)


def test_a_result_many_times_worse_stands_on_a_logarithmic_axis():
    figure = margin(found(arm("new", [loss * 20 for loss in LOSSES])))
    assert figure["layout"]["xaxis"]["type"] == "log"
    low, high = figure["layout"]["xaxis"]["range"]
    assert low < 0 < 1.3 < high


def test_an_accuracy_is_worse_to_the_left():
    before = [run("baseline", seed, 0.5, final_validation_accuracy=0.9 + seed / 100) for seed in range(3)]
    after = [run("new", seed, 0.5, final_validation_accuracy=0.8 - seed / 100) for seed in range(3)]
    metric = "final_validation_accuracy"
    figure = margin(found(after, metric=metric, allowed=0.02, baseline=before))
    assert traces(figure)["margin"]["x"] == [-0.02, -0.02]
    assert figure["layout"]["shapes"][1]["x1"] < -0.14
    assert "right is better" in figure["layout"]["xaxis"]["title"]["text"]


def test_what_is_not_finite_has_no_place_and_is_counted():
    figure = margin(found([*arm("new", LOSSES[:4]), run("new", 4, NAN, "divergence")]))
    assert len(traces(figure)["each seed"]["x"]) == 4
    assert [note["text"] for note in figure["layout"]["annotations"]] == [
        "no mean: not finite in some runs",
        "1 seed not finite on one side",
    ]


def test_an_interval_of_scattered_seeds_leaves_the_margin_visible():
    figure = margin(found(arm("new", [loss * factor for loss, factor in zip(LOSSES, (0.5, 2.2, 1), strict=False)])))
    low, high = figure["layout"]["xaxis"]["range"]
    assert high - low < 4  # decades


def test_the_row_of_a_baseline_has_its_newest_verdicts_and_when_it_is_checked_next(clinic):
    row = clinic.page("/checks").split('data-part="baselines"')[1].split("</table>")[0]
    assert row.index(f'/checks/{clinic.checking}"') < row.index(f'/checks/{clinic.check}"')
    schedule = clinic.client.get("/v1/schedules/nightly").json()
    assert schedule["next_due_at"][:10] in row
