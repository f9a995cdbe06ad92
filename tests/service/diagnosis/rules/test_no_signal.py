from dataclasses import replace
from math import prod

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose, extract
from gradclinic.diagnosis.rules.no_signal import NoSignal
from gradclinic.diagnosis.thresholds import Thresholds

from ..records import changed, failed, healthy_record, with_levels
from ..seen import CLASSIFIER, but, seen


def test_a_gradient_of_exactly_zero_is_named_with_the_weight_where_it_stops():
    finding = diagnose(seen(but(CLASSIFIER, "wiring", zero_gradient=True, stops_at="4.weight"))).findings[0]
    assert finding.condition == "no_signal"
    assert finding.layers == ("4.weight",)
    assert finding.harm


def test_in_float16_without_a_scaler_the_precision_is_to_blame():
    look = but(CLASSIFIER, "wiring", zero_gradient=True)
    findings = diagnose(seen(but(look, "precision", lowest="float16"))).findings
    assert next(each for each in findings if each.condition == "no_signal").blames == ("precision",)


def test_a_signal_is_none():
    assert "no_signal" not in {finding.condition for finding in diagnose(seen(CLASSIFIER)).findings}


def test_with_a_scaler_or_in_float32_the_precision_is_not_to_blame():
    look = but(CLASSIFIER, "wiring", zero_gradient=True)
    others = (look, but(look, "precision", lowest="float16", scaled=True), look.model_copy(update={"precision": None}))
    for other in others:
        found = {each.condition: each for each in diagnose(seen(other)).findings}
        assert found["no_signal"].blames[0] == "output_activation"
        assert found["no_signal"].layers == ()


def test_what_was_not_looked_at_is_not_known():
    assert "no_signal" not in {
        each.condition for each in diagnose(seen(CLASSIFIER.model_copy(update={"wiring": None}))).findings
    }


def test_where_the_weights_enlarge_the_signal_the_initialization_is_to_blame():
    """Inputs of size 1 and a layer of size 40 before the first step."""
    look = but(CLASSIFIER, "wiring", zero_gradient=True)
    for level, blamed in ((40.0, "initialization"), (20.0, "output_activation")):
        record = with_levels(changed(healthy_record(), outcome=failed()), level)
        finding = diagnose(seen(look, record=record)).findings[0]
        assert (finding.condition, finding.blames[0]) == ("no_signal", blamed)


def test_where_a_layer_starts_with_weights_of_zero_the_initialization_is_to_blame():
    look = but(CLASSIFIER, "wiring", zero_gradient=True)
    for last, blamed in ((0.0, "initialization"), (1.0, "output_activation")):
        record = changed(healthy_record(), {"weight_norm_l2": 3.0}, outcome=failed())
        sizes = record.series["weight_norm_l2"]
        first = sizes.values.copy()
        first[0, -1] = last
        record = replace(record, series={**record.series, "weight_norm_l2": replace(sizes, values=first)})
        finding = diagnose(seen(look, record=record)).findings[0]
        assert (finding.condition, finding.blames[0]) == ("no_signal", blamed)


def test_where_the_typical_layer_starts_far_too_small_the_initialization_is_to_blame():
    """Layers of 32 inputs: a norm of 1e-4 times the root of their entries is 6e-4 of the usual, and .05 is .3 of it."""
    look = but(CLASSIFIER, "wiring", zero_gradient=True)
    for deviation, blamed in ((1e-4, "initialization"), (0.05, "output_activation")):
        record = changed(healthy_record(), outcome=failed())
        sizes = record.series["weight_norm_l2"]
        norms = np.array([deviation * prod(weight.shape) ** 0.5 for weight in record.weights])
        record = replace(
            record,
            series={**record.series, "weight_norm_l2": replace(sizes, values=np.tile(norms, (len(sizes.values), 1)))},
        )
        finding = diagnose(seen(look, record=record)).findings[0]
        assert (finding.condition, finding.blames[0]) == ("no_signal", blamed)


@pytest.mark.parametrize(
    ("later", "dead", "there"),
    [(0.0, 0.0, True), (1e-5, 0.0, True), (1.0, 0.0, False), (0.0, 1.0, False)],
)
def test_a_norm_over_one_value_hides_all_that_is_below_it(later, dead, there):
    """A layer that starts at zero gives equal outputs as well, but its gradient comes back after a step."""
    record = changed(healthy_record(), {"weight_norm_l2": 1.0, "dead_fraction": dead}, outcome=failed())
    look = but(but(CLASSIFIER, "outputs", constant=True), "wiring", stops_at="4.weight")
    gradients = record.series["weight_grad_norm_l2"]
    values = np.zeros_like(gradients.values)
    values[1:] = later
    record = replace(record, series={**record.series, "weight_grad_norm_l2": replace(gradients, values=values)})
    found = {each.condition: each for each in diagnose(seen(look, record=record)).findings}
    assert ("no_signal" in found) is there
    if there:
        assert found["no_signal"].blames[0] == "normalization"
        assert "the norm over a single value" in found["no_signal"].summary


def test_outputs_that_are_equal_without_any_gradient_are_cut_by_their_activation():
    record = changed(healthy_record(), {"weight_norm_l2": 1.0, "weight_grad_norm_l2": 0.0}, outcome=failed())
    look = but(but(CLASSIFIER, "outputs", constant=True), "wiring", stops_at="4.weight", zero_gradient=True)
    found = {each.condition: each for each in diagnose(seen(look, record=record)).findings}
    assert found["no_signal"].blames[0] == "output_activation"
    assert "all samples have the same output: look for what is flat" in found["no_signal"].summary


@pytest.mark.parametrize(
    ("size", "later", "dead", "there"),
    [(1.0, 0.0, 0.75, False), (1.0, 0.0, 0.7, True), (1000.0, 1.0, 0.0, True), (1000.0, 1.01, 0.0, False)],
)
def test_a_thousandth_of_the_weights_is_no_gradient_yet_and_a_layer_at_the_limit_is_dead(size, later, dead, there):
    statistics = {"weight_norm_l2": size, "weight_grad_norm_l2": later, "dead_fraction": dead}
    look = but(but(CLASSIFIER, "outputs", constant=True), "wiring", stops_at="4.weight")
    record = seen(look, record=changed(healthy_record(), statistics, outcome=failed()))
    assert (NoSignal().judge(extract(record), record, Thresholds(dead_layer=0.75)) is not None) is there


@pytest.mark.parametrize(("gain", "blamed"), [(0.01, "output_activation"), (0.0099, "initialization")])
def test_a_gain_below_a_hundredth_is_too_small_to_start_from(gain, blamed):
    """Of single weights, whose size is their gain."""
    record = changed(healthy_record(), outcome=failed())
    sizes = record.series["weight_norm_l2"]
    small = replace(sizes, values=np.full(sizes.values.shape, gain))
    weights = tuple(replace(each, shape=(1,)) for each in record.weights)
    record = replace(record, weights=weights, series={**record.series, "weight_norm_l2": small})
    finding = diagnose(seen(but(CLASSIFIER, "wiring", zero_gradient=True), record=record)).findings[0]
    assert (finding.condition, finding.blames[0]) == ("no_signal", blamed)
