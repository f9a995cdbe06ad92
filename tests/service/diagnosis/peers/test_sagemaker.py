"""SageMaker Debugger's rules at and beside their default parameters."""

from dataclasses import replace
from math import inf, isfinite, nan

import numpy as np
import pytest
from scipy.stats import norm

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.peers.sagemaker import SageMakerThresholds, judge

from ..records import SICK, changed, failed, healthy_record, series_of, with_weight_gradients

TANH = changed(healthy_record(layers=3, activation="tanh", bounded=True, can_die=False), outcome=failed())


def alarms(record, *, thresholds=None, **features):
    found = judge(replace(extract(record), **features), record, thresholds or SageMakerThresholds())
    return [(each.rule, each.condition, each.evidence[0].value) for each in found if each.harm]


def with_inputs(rms, mean=0.0, *, record=TANH):
    """The record whose activations' inputs have that RMS and mean in every layer, or layer by layer."""
    steps = record.series["weight_norm_l2"].steps
    layers = len(record.sites)
    more = {"preactivation_rms": series_of(steps, rms, layers), "preactivation_mean": series_of(steps, mean, layers)}
    return replace(record, series={**record.series, **more})


def test_a_value_that_is_not_finite_is_told_with_its_step():
    assert alarms(TANH, nonfinite_step=7) == [("ExplodingTensor", "exploding_gradients", 7.0)]


@pytest.mark.parametrize(("dead", "there"), [(0.5, False), (0.51, True)])
def test_more_than_half_of_a_layer_must_be_dead(dead, there):
    found = alarms(TANH, dead=np.array([0.0, dead, nan]))
    assert found == ([("DeadRelu", "dead_units", dead)] if there else [])


@pytest.mark.parametrize(
    ("activation", "rms", "mean", "share"),
    [
        ("tanh", 15.0, 0.0, 2 * norm.sf(9.4999 / 15)),
        ("tanh", 14.0, 0.0, None),  # .497
        ("tanh", 10.0, 8.0, None),
        ("tanh", 12.5, 10.0, norm.sf((9.4999 - 10) / 7.5) + norm.cdf((-9.4999 - 10) / 7.5)),
        ("sigmoid", 25.0, 24.0, norm.sf((16.99999 - 24) / 7) + norm.cdf((-23 - 24) / 7)),
        ("sigmoid", 25.0, -24.0, norm.sf((16.99999 + 24) / 7) + norm.cdf((-23 + 24) / 7)),
        ("sigmoid", 17.0, 17.0, 1.0),
        ("sigmoid", 16.5, 16.5, None),
        ("sigmoid", 23.0, -23.0, None),
        ("relu", 99.0, 0.0, None),
        ("tanh", nan, nan, None),
    ],
)
def test_more_than_half_of_a_layers_inputs_must_lie_beyond_the_limits_of_its_activation(activation, rms, mean, share):
    sites = tuple(replace(site, activation=activation) for site in TANH.sites)
    found = alarms(with_inputs(rms, mean, record=replace(TANH, sites=sites)))
    expected = [("SaturatedActivation", "saturated_activations", pytest.approx(share, abs=1e-5))]
    assert found == ([] if share is None else expected)


def of_layers(activation, rms, mean=0.0):
    sites = tuple(replace(site, activation=activation) for site in TANH.sites)
    return with_inputs(rms, mean, record=replace(TANH, sites=sites))


@pytest.mark.parametrize("level", [-9.4999, 9.4999])
def test_inputs_that_are_the_same_for_all_samples_lie_inside_up_to_the_limit_itself(level):
    record = of_layers("tanh", level, level)
    exact = {name: replace(each, values=each.values.astype(np.float64)) for name, each in record.series.items()}
    for name in ("preactivation_rms", "preactivation_mean"):
        exact[name].values[:] = level
    assert alarms(replace(record, series=exact)) == []


def test_values_at_the_limits_themselves_are_no_alarms():
    record = of_layers("tanh", np.array([15.0, 15.0, 30.0]))
    share = 2 * norm.sf(9.4999 / 30)
    (_, _, measured) = alarms(record)[0]
    assert measured == pytest.approx(share, abs=1e-5)
    assert alarms(record, thresholds=SageMakerThresholds(inactive_layer_share=measured)) == []
    updates = changed(TANH, {"update_to_weight_ratio": np.array([0.25, 1.0, 1.0, 4.0])})
    assert alarms(updates, thresholds=SageMakerThresholds(smallest_update=0.25, largest_update=4.0)) == []
    inputs = with_inputs(np.array([1.0, 2.0, 4.0]))
    assert alarms(inputs, thresholds=SageMakerThresholds(variance_ratio=16.0)) == []
    small = with_weight_gradients(healthy_record(), np.full(11, 0.25))
    assert alarms(small, thresholds=SageMakerThresholds(vanishing_threshold=0.25)) == []


def test_the_worst_layer_counts():
    found = alarms(with_inputs(np.array([15.0, 18.0, 15.0])))
    assert found == [
        ("SaturatedActivation", "saturated_activations", pytest.approx(2 * norm.sf(9.4999 / 18), abs=1e-5))
    ]


@pytest.mark.parametrize(
    ("ratios", "found"),
    [
        ([10.0, 1.0, 1.0, 1.0], []),
        ([11.0, 1.0, 1.0, 1.0], [("WeightUpdateRatio", "divergence", 11.0)]),
        ([1e-7, 1.0, 1.0, 1.0], []),
        ([0.0, 1.0, 1.0, nan], [("WeightUpdateRatio", "slow_convergence", 0.0)]),
        ([nan, nan, nan, nan], []),
    ],
)
def test_updates_must_be_neither_too_large_nor_too_small(ratios, found):
    assert alarms(changed(TANH, {"update_to_weight_ratio": np.array(ratios)})) == found


@pytest.mark.parametrize(
    ("rms", "mean", "found"),
    [
        ([1.0, 2.0, 4.0], 0.0, [("PoorWeightInitialization", "exploding_gradients", 16.0)]),
        ([4.0, 2.0, 1.0], 0.0, [("PoorWeightInitialization", "vanishing_gradients", 16.0)]),
        ([1.0, 2.0, 3.0], 0.0, []),
        ([5.0, 4.0, 5.0], [3.0, 0.0, 4.0], []),  # variances of 16, 16 and 9
        (
            [5.0, 5.0, 5.0],
            [3.0, 0.0, 4.875],
            [("PoorWeightInitialization", "vanishing_gradients", 25 / (25 - 4.875**2))],
        ),
        ([2.0, 8.0, 2.0], 0.0, [("PoorWeightInitialization", "vanishing_gradients", 16.0)]),
    ],
)
def test_variances_at_step_0_must_lie_within_a_factor_of_ten(rms, mean, found):
    expected = [(rule, condition, pytest.approx(value)) for rule, condition, value in found]
    assert alarms(with_inputs(np.array(rms), np.array(mean))) == expected


@pytest.mark.parametrize("value", [inf, nan, 3e38])
def test_inputs_that_are_not_finite_or_huge_have_a_finite_ratio_or_none(value):
    found = alarms(with_inputs(np.array([1.0, value, 2.0]), 0.0))
    assert ("PoorWeightInitialization" in {rule for rule, _, _ in found}) == isfinite(value)
    assert all(isfinite(ratio) for _, _, ratio in found)


def test_a_single_layer_has_nothing_to_be_compared_with():
    single = changed(healthy_record(layers=1, can_die=False), outcome=failed())
    assert alarms(with_inputs(1.0, record=single)) == []
    two = changed(healthy_record(layers=2, can_die=False), outcome=failed())
    found = alarms(with_inputs(np.array([1.0, 4.0]), record=two))
    assert found == [("PoorWeightInitialization", "exploding_gradients", 16.0)]


def test_a_gradient_that_was_never_finite_has_not_vanished():
    steps = TANH.series["weight_norm_l2"].steps
    unknown = replace(TANH, series={**TANH.series, "weight_grad_mean_abs": series_of(steps, nan, 4)})
    assert alarms(unknown) == []
    some = replace(TANH, series={**TANH.series, "weight_grad_mean_abs": series_of(steps, np.array([nan, 0, 1, 1]), 4)})
    assert alarms(some) == [("VanishingGradient", "vanishing_gradients", 0.0)]


def test_sagemaker_calls_a_gradient_vanished_below_1e_7_and_not_above() -> None:
    for level, primary in ((0.9e-7, "vanishing_gradients"), (1.1e-7, "healthy")):
        record = with_weight_gradients(healthy_record(), np.full(11, level))
        assert diagnose(record, rule_set="sagemaker").primary == primary


def test_sagemaker_needs_half_a_layer_dead() -> None:
    assert diagnose(SICK["dead_units"](), rule_set="sagemaker").findings[0].rule == "DeadRelu"
