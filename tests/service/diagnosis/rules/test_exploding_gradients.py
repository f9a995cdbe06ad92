from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules.exploding_gradients import ExplodingGradients
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.preflight import NormFacts, OptimizerFacts

from ..records import (
    changed,
    evidence_of,
    failed,
    healthy_record,
    stuck,
    truncated,
    with_slope,
)
from ..seen import CLASSIFIER


def test_a_gradient_that_is_not_finite_from_step_0_is_an_explosion_not_a_crash() -> None:
    record = changed(truncated(healthy_record(), 1), {"site_grad_rms": float("nan"), "train_loss": float("nan")})
    record = replace(
        record,
        outcome=failed(steps_done=0, nonfinite_step=0, final_train_loss=float("nan"), initial_train_loss=float("nan")),
    )
    diagnosis = diagnose(record)
    assert diagnosis.primary == "exploding_gradients"
    assert diagnosis.findings[0].first_step == 0


def test_an_explosion_that_comes_after_a_sound_start_is_told_by_its_later_slope() -> None:
    start, later = np.zeros(10), np.linspace(3.0, 0.0, 10)
    steps = np.arange(300)
    levels = 10.0 ** np.where(steps[:, None] < 5, start, later)
    old = stuck().series["site_grad_rms"]
    series = {**stuck().series, "site_grad_rms": replace(old, values=levels.astype(np.float32))}
    value, threshold = evidence_of(replace(stuck(), series=series), "exploding_gradients")["depth_slope"]
    assert (round(value, 3), threshold) == (-3.0, -1.5)


def judged(record, **features):
    return ExplodingGradients().judge(replace(extract(record), **features), record, Thresholds())


LEVEL = {"depth_slope_start": 0.0, "depth_slope_early": 0.0, "local_gain_start": 0.0}


@pytest.mark.parametrize(
    ("features", "shown"),
    [
        (LEVEL, None),
        ({**LEVEL, "depth_slope_start": -1.5}, -1.5),
        ({**LEVEL, "depth_slope_start": -1.49}, None),
        ({**LEVEL, "depth_slope_start": 1.5}, None),
        ({**LEVEL, "depth_slope_early": -1.5}, -1.5),
        ({**LEVEL, "depth_slope_early": -1.49}, None),
        ({**LEVEL, "depth_slope_start": None, "depth_slope_early": -2.0}, -2.0),
        ({**LEVEL, "depth_slope_start": None, "depth_slope_early": None}, None),
        ({**LEVEL, "depth_slope_start": -1.6, "depth_slope_early": -2.0}, -1.6),
        ({**LEVEL, "depth_slope_start": -1.0, "depth_slope_early": -2.0}, -2.0),
        ({**LEVEL, "local_gain_start": 1.5, "depth_slope_early": -0.5}, 0.0),
        ({**LEVEL, "local_gain_start": 1.49}, None),
        ({**LEVEL, "local_gain_start": 1.5, "depth_slope_start": None, "depth_slope_early": -0.5}, -0.5),
    ],
)
def test_a_slope_at_the_start_or_over_the_first_quarter_or_one_layer_alone_is_enough(features, shown) -> None:
    finding = judged(stuck(), **features)
    assert (None if finding is None else finding.evidence[0].value) == shown
    if finding is not None:
        assert finding.harm
        told = {each.name: (each.value, each.threshold) for each in finding.evidence}
        assert told["depth_slope"] == (shown, -1.5)
        assert told.get("depth_slope_early", (None,))[0] == features["depth_slope_early"]
        start = features["depth_slope_start"]
        assert told.get("depth_slope_start") == (None if start is None else (start, -1.5))
        gain = features["local_gain_start"]
        assert told.get("gain_at_one_layer") == ((gain, 1.5) if gain else None)


def test_an_early_slope_that_overflowed_is_no_number_to_show() -> None:
    finding = judged(stuck(), **{**LEVEL, "depth_slope_start": -2.0, "depth_slope_early": -inf})
    assert "depth_slope_early" not in {each.name for each in finding.evidence}
    only = judged(stuck(), **{**LEVEL, "depth_slope_early": -inf})
    assert "overflow within the network" in only.summary
    assert "growth_per_layer" not in {each.name for each in only.evidence}


def test_too_few_steps_say_nothing_unless_the_loss_ran_away() -> None:
    short = {"steps_done": 10, "depth_slope_start": -3.0}
    assert judged(stuck(), **short) is None
    assert judged(stuck(), **short, nonfinite_step=9) is not None
    assert judged(stuck(), **{**LEVEL, "depth_slope_early": -3.0}, nonfinite_step=200) is None


def test_a_gradient_that_grows_evenly_is_told_by_its_factor_at_a_typical_layer() -> None:
    """Four and a half orders of magnitude over nine layers: a factor of 10^.5 = 3.16 at each."""
    finding = judged(with_slope(stuck(), -4.5))
    assert finding.summary.startswith(
        "Gradients grow by a factor of 10^4.5 from output to input, by 3.16 at a typical layer; the network learned"
    )
    told = {each.name: each.value for each in finding.evidence}
    assert (told["growth_per_layer"], told["growth_at_worst_layer"]) == pytest.approx((10**0.5, 10**0.5), rel=1e-3)
    assert (finding.first_step, finding.last_step) == (0, 299)
    assert finding.confidence == 0.99  # certain at the start


def with_rows(record, rows):
    old = record.series["site_grad_rms"]
    return replace(record, series={**record.series, "site_grad_rms": replace(old, values=rows.astype(np.float32))})


@pytest.mark.parametrize(("begins", "confidence"), [(0, 0.99), (1, 50 / 77)])
def test_it_is_as_sure_as_the_start_or_the_first_quarter_and_lasts_as_long_as_it_is_steep(begins, confidence) -> None:
    steps = np.arange(300)[:, None]
    steep = np.where((steps >= begins) & (steps < 50), np.linspace(3.0, 0.0, 10), np.zeros(10))
    finding = judged(with_rows(stuck(), 10.0**steep))
    assert finding.confidence == pytest.approx(confidence, abs=1e-3)
    assert (finding.first_step, finding.last_step) == (begins, 49)


def test_one_layer_that_multiplies_the_gradient_is_told_with_its_factor() -> None:
    gains = np.zeros(10)
    gains[:1] = 2.0
    finding = judged(with_rows(stuck(), 10.0 ** np.tile(gains, (300, 1))))
    assert finding.layers == ("2.linear",)
    assert "most of it at 2.linear (a factor of 100 there)" in finding.summary
    assert (finding.first_step, finding.last_step) == (0, 299)


def broken(decades, **features):
    """A training whose loss ran away from step 100 on."""
    record = changed(
        truncated(healthy_record(), 200),
        {"train_loss": lambda steps: np.where(steps < 100, 2.3, 23.0)},
        outcome=failed(steps_done=200, nonfinite_step=200, final_train_loss=nan),
    )
    slopes = np.where(np.arange(200)[:, None] < 50, np.linspace(-decades, 0.0, 10), np.zeros(10))
    return judged(with_rows(record, 10.0**slopes), **features)


def test_where_the_loss_ran_away_it_lasts_at_least_until_then_and_the_start_says_how_sure_it_is() -> None:
    finding = broken(-3.0)
    assert (finding.first_step, finding.last_step, finding.harm) == (0, 100, True)
    assert finding.confidence == 0.99
    # One error of .1 above the threshold: Phi(1) = .8413.
    assert broken(-1.6).confidence == pytest.approx(0.99 * 0.8413, abs=1e-3)
    assert broken(-1.6, local_gain_start=1.5).confidence == 0.99
    assert broken(-1.6, local_gain_start=1.4).confidence < 0.9
    assert broken(-1.6, depth_slope_start=None, local_gain_start=1.5).confidence == 0.5
    assert broken(-1.6, profile=None).confidence == 0.5


@pytest.mark.parametrize(("slope", "overflows"), [(-45.0, True), (-44.9, False)])
def test_from_45_orders_of_magnitude_on_something_overflows(slope, overflows) -> None:
    found = judged(stuck(), **{**LEVEL, "depth_slope_early": slope})
    assert ("overflow within the network" in found.summary) is overflows


@pytest.mark.parametrize(("first", "blamed"), [(1.0, "learning_rate"), (0.99, "initialization")])
def test_a_first_step_as_large_as_the_weights_is_to_blame_for_what_follows(first, blamed) -> None:
    updates = {"update_to_weight_ratio": lambda steps: np.where(steps == 0, first, 0.001)}
    found = judged(changed(stuck(), updates, outcome=failed()), **{**LEVEL, "depth_slope_early": -3.0})
    assert found.blames[0] == blamed


def with_batch_norms(record, layers, *, optimizer="AdamW"):
    seen = CLASSIFIER.model_copy(
        update={
            "norm": NormFacts(layer="1", values=64, layers=layers),
            "optimizer": OptimizerFacts(name=optimizer, learning_rate=1.0, weight_decay=0.0, momentum=0.0),
        }
    )
    return replace(record, preflight=seen)


@pytest.mark.parametrize(("layers", "explained"), [(None, False), (24, False), (25, True)])
def test_a_growth_that_batch_norm_explains_is_a_possibility_only(layers, explained) -> None:
    """Each batch norm lets the gradient grow by (pi / (pi - 1))^.5 = 10^.0832: 24 by 10^1.997, 25 by 10^2.08."""
    found = judged(with_batch_norms(stuck(), layers), **{**LEVEL, "depth_slope_start": -2.0})
    assert (found.confidence <= 0.5) is explained
    assert found.harm
    one = judged(with_batch_norms(stuck(), layers), **{**LEVEL, "depth_slope_start": -2.0, "local_gain_start": 1.5})
    assert one.confidence > 0.5
    diverged = {**LEVEL, "depth_slope_start": -2.0, "nonfinite_step": 250}
    assert (judged(with_batch_norms(stuck(), layers), **diverged) is None) is explained


@pytest.mark.parametrize(("optimizer", "blamed"), [("AdamW", "learning_rate"), ("SGD", "initialization")])
def test_steps_that_do_not_grow_with_the_gradient_are_to_blame_themselves(optimizer, blamed) -> None:
    updates = {"update_to_weight_ratio": lambda steps: np.where(steps == 0, 1.0, 0.001)}
    record = with_batch_norms(changed(stuck(), updates, outcome=failed()), None, optimizer=optimizer)
    assert judged(record, **{**LEVEL, "depth_slope_start": -3.0}).blames[0] == blamed
    tiny = changed(record, {"weight_norm_l2": 1e-3})
    assert judged(tiny, **{**LEVEL, "depth_slope_start": -3.0}).blames[0] == "initialization"


@pytest.mark.parametrize("local", [False, True])
def test_it_lasts_as_long_as_a_slope_or_a_layer_is_at_the_threshold(local) -> None:
    """A slope of 1.5, or 1.5 orders of magnitude at the second layer alone, until step 49; a little less from then."""
    features = extract(stuck())
    grown = np.where(np.arange(300) < 50, 1.5, 1.4)
    logs = np.zeros((300, 10))
    logs[:, 0] = grown if local else 0.0
    profile = replace(features.profile, log10_gradient=logs, slope=np.zeros(300) if local else -grown)
    found = judged(stuck(), **{**LEVEL, "depth_slope_start": -1.5}, profile=profile)
    assert (found.first_step, found.last_step) == (0, 49)
