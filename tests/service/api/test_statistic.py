import csv
import io
import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .conftest import Trained

ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"


def statistics(trained: Trained, run: str | None = None, accept: str = "application/json", **query: object):
    answer = trained.api.get(f"/v1/runs/{run or trained.sick}/statistics", params=query, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    return answer


def test_a_series_has_a_row_a_step_and_a_column_a_layer(trained: Trained) -> None:
    found = statistics(trained, statistic="site_grad_rms").json()
    (series,) = found["statistics"]
    assert series["steps"] == list(range(30))
    assert len(series["layers"]) == 8
    assert np.array(series["values"]).shape == (30, 8)
    assert (found["sampled"], found["source_points"]) == (False, 30)
    assert series["unit"] == "loss per activation"


def test_every_recorded_statistic_comes_by_default(trained: Trained) -> None:
    names = {series["statistic"] for series in statistics(trained).json()["statistics"]}
    assert {"site_grad_rms", "weight_grad_norm_l2", "train_loss", "update_to_weight_ratio"} <= names


def test_layers_and_steps_narrow_it(trained: Trained) -> None:
    found = statistics(trained, statistic="site_grad_rms,train_loss", layers="0.linear,4.linear", steps="5:8").json()
    gradient, loss = found["statistics"]
    assert gradient["layers"] == ["0.linear", "4.linear"]
    assert gradient["steps"] == loss["steps"] == [5, 6, 7]
    assert loss["layers"] == ["run"]


@pytest.mark.parametrize("aggregate", ["none", "max", "mean", "minmax"])
def test_fewer_points_are_announced(trained: Trained, aggregate: str) -> None:
    whole = np.array(statistics(trained, statistic="train_loss").json()["statistics"][0]["values"])[:, 0]
    found = statistics(trained, statistic="train_loss", max_points=5, aggregate=aggregate).json()
    (series,) = found["statistics"]
    assert (found["sampled"], found["source_points"], len(series["steps"])) == (True, 30, 5)
    buckets = whole.reshape(5, 6)
    if aggregate == "none":
        assert (series["steps"][0], series["steps"][-1]) == (0, 29)
    elif aggregate == "minmax":
        assert series["values"] is None
        np.testing.assert_allclose(np.array(series["minimum"])[:, 0], buckets.min(axis=1), rtol=1e-6)
        np.testing.assert_allclose(np.array(series["maximum"])[:, 0], buckets.max(axis=1), rtol=1e-6)
    else:
        reduced = buckets.max(axis=1) if aggregate == "max" else buckets.mean(axis=1)
        np.testing.assert_allclose(np.array(series["values"])[:, 0], reduced, rtol=1e-6)


def test_what_is_not_finite_is_text_in_json_and_itself_elsewhere(trained: Trained) -> None:
    as_json = statistics(trained, trained.broken, statistic="train_loss").json()["statistics"][0]["values"]
    assert as_json[-1][0] in {"NaN", "Infinity"}
    table = pa.ipc.open_stream(statistics(trained, trained.broken, ARROW, statistic="train_loss").content).read_all()
    assert not math.isfinite(table["value"].to_pylist()[-1])


def test_all_forms_hold_the_same_numbers(trained: Trained) -> None:
    query = {"statistic": "site_grad_rms", "steps": "0:4"}
    (series,) = statistics(trained, **query).json()["statistics"]
    wanted = [
        ("site_grad_rms", layer, step, value)
        for step, row in zip(series["steps"], series["values"], strict=True)
        for layer, value in zip(series["layers"], row, strict=True)
    ]
    text = statistics(trained, None, "text/csv", **query).text
    from_csv = [
        (row["statistic"], row["layer"], int(row["step"]), float(row["value"]))
        for row in csv.DictReader(io.StringIO(text))
    ]
    lines = statistics(trained, None, "application/x-ndjson", **query).text.splitlines()
    from_lines = [tuple(json.loads(line)[key] for key in ("statistic", "layer", "step", "value")) for line in lines]
    arrow = pa.ipc.open_stream(statistics(trained, None, ARROW, **query).content).read_all().to_pylist()
    parquet = pq.read_table(io.BytesIO(statistics(trained, None, PARQUET, **query).content)).to_pylist()
    assert from_csv == from_lines == wanted
    assert [tuple(row.values()) for row in arrow] == [tuple(row.values()) for row in parquet] == wanted


def test_a_form_that_cannot_be_answered_is_a_406(trained: Trained) -> None:
    answer = trained.api.get(f"/v1/runs/{trained.sick}/statistics", headers={"Accept": "image/png"})
    assert answer.status_code == 406
    assert "text/csv" in answer.json()["detail"]


def test_the_form_that_is_liked_best_is_chosen(trained: Trained) -> None:
    answer = statistics(trained, None, "application/json;q=0.2, text/*;q=0.9", statistic="train_loss")
    assert answer.headers["content-type"].startswith("text/csv")


def test_unknown_names_are_refused_with_the_known_ones(trained: Trained) -> None:
    at = f"/v1/runs/{trained.sick}/statistics"
    answer = trained.api.get(at, params={"statistic": "beauty"})
    assert answer.status_code == 422
    assert "site_grad_rms" in answer.json()["errors"][0]["allowed"]
    answer = trained.api.get(at, params={"statistic": "site_grad_rms", "layers": "99.linear"})
    assert answer.status_code == 422
    assert "0.linear" in answer.json()["errors"][0]["allowed"]
    assert trained.api.get(at, params={"steps": "8:5"}).status_code == 422


def test_a_run_that_waits_has_nothing_yet(trained: Trained) -> None:
    assert statistics(trained, trained.waiting).json()["statistics"] == []
    answer = trained.api.get(f"/v1/runs/{trained.waiting}/profile")
    assert answer.status_code == 409
    assert trained.api.get(f"/v1/runs/{trained.waiting}/diagnosis").status_code == 409


def test_the_profile_at_the_start_has_the_prediction_beside_it(trained: Trained) -> None:
    found = trained.api.get(f"/v1/runs/{trained.sick}/profile").json()
    assert found["step"] == 0
    assert [point["depth"] for point in found["points"]] == pytest.approx(np.linspace(0, 1, 8))
    assert found["depth_slope"] == pytest.approx(found["predicted_depth_slope"], abs=1.0)
    assert found["points"][-1]["predicted"] == pytest.approx(found["points"][-1]["value"])


def test_a_later_profile_has_no_prediction(trained: Trained) -> None:
    at = f"/v1/runs/{trained.sick}/profile"
    last = trained.api.get(at, params={"step": "last"}).json()
    assert last["step"] == 29
    assert last["predicted_depth_slope"] is None
    assert {point["predicted"] for point in last["points"]} == {None}
    weights = trained.api.get(at, params={"statistic": "weight_grad_norm_l2", "step": 7}).json()
    assert (weights["step"], len(weights["points"]), weights["depth_slope"]) == (7, 9, None)
    assert trained.api.get(at, params={"statistic": "train_loss"}).status_code == 422


def test_the_curves_are_those_of_the_whole_run(trained: Trained) -> None:
    curves = trained.api.get(f"/v1/runs/{trained.sick}/curves").json()["curves"]
    by_name = {curve["statistic"]: curve for curve in curves}
    assert by_name["train_loss"]["steps"] == list(range(30))
    assert by_name["learning_rate"]["values"] == pytest.approx([0.1] * 30)


def test_a_run_is_judged_again_without_training(trained: Trained) -> None:
    at = f"/v1/runs/{trained.sick}"
    stored = trained.api.get(f"{at}/diagnosis").json()
    assert (stored["primary"], stored["provisional"]) == ("vanishing_gradients", False)
    lenient = trained.api.post(f"{at}/diagnoses", json={"thresholds": {"depth_slope": 40}}).json()
    assert lenient["primary"] != "vanishing_gradients"
    assert trained.api.get(f"{at}/diagnosis").json() == stored
    unknown = trained.api.post(f"{at}/diagnoses", json={"thresholds": {"tau": 1}})
    assert unknown.json()["errors"][0]["pointer"] == "/thresholds/tau"
    assert trained.api.post(f"{at}/diagnoses", json={"rule_set": "none"}).json()["errors"][0]["pointer"] == "/rule_set"
