"""AUTOTRAINER's rules at and beside their published constants, on a training that none of them minds otherwise."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.peers.autotrainer import AutotrainerThresholds, judge
from gradclinic.measurements.record import RunRecord

from ..records import changed, failed, healthy_record, outcome, series_of, with_weight_gradients

CALM = np.linspace(1.0, 0.5, 11)
"""Losses of which each is lower than the one before by a twentieth."""


def training(gradients=1.0, zeros=0.0, *, can_die=True, **ended) -> RunRecord:
    record = changed(healthy_record(can_die=can_die), outcome=failed(**ended))
    steps = record.series["weight_norm_l2"].steps
    more = {
        "weight_grad_mean_abs": series_of(steps, gradients, 11),
        "weight_grad_zero_fraction": series_of(steps, zeros, 11),
    }
    return replace(record, series={**record.series, **more})


def alarms(record, losses=CALM, *, thresholds=None, **features):
    found = replace(extract(record), probe_loss=np.array(losses, float), **features)
    judged = judge(found, record, thresholds or AutotrainerThresholds())
    return [(each.rule, each.evidence[0].value) for each in judged if each.harm]


def ends(first, last):
    """Gradients of the first and the last layer; in between they are 1."""
    return np.array([first, *[1.0] * 9, last])


def test_a_training_that_no_rule_minds_is_said_to_be_healthy():
    (finding,) = judge(replace(extract(training()), probe_loss=CALM), training(), AutotrainerThresholds())
    assert (finding.condition, finding.harm, finding.first_step, finding.last_step) == ("healthy", False, 0, 299)
    nothing = replace(extract(training()), probe_loss=CALM, steps_done=0)
    assert judge(nothing, training(), AutotrainerThresholds())[0].last_step == 0


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        (70.0, 1.0, []),
        (71.0, 1.0, [("exploding gradient", 71.0)]),
        (35.5, 0.5, [("exploding gradient", 71.0)]),
        (2.0**-11, 1.0, []),  # less than a thousandth of the last layer's, but not small
        (2.0**-14, 2.0**-3, [("vanishing gradient", 2.0**-11)]),
        (2.0**-14, 2.0**-5, []),  # small, but not that much smaller than the last layer's
        (1.0, 0.0, []),
    ],
)
def test_the_first_layers_gradient_is_held_against_the_lasts(first, last, found):
    assert alarms(training(ends(first, last))) == found


def test_a_gradient_that_is_not_finite_explodes_however_good_the_accuracy_is():
    broken = training(ends(nan, 1.0), final_validation_accuracy=0.9)
    assert [rule for rule, _ in alarms(broken)] == ["exploding gradient"]
    assert [rule for rule, _ in alarms(training(), nonfinite_step=9)] == ["exploding gradient"]


@pytest.mark.parametrize(
    ("ended", "silent"),
    [
        ({"final_validation_accuracy": 0.6}, True),
        ({"final_validation_accuracy": 0.59}, False),
        ({"final_validation_accuracy": None, "final_train_loss": 2.3 * 0.25}, True),
        ({"final_validation_accuracy": None, "final_train_loss": 2.3 * 0.5}, False),
    ],
)
def test_problems_are_looked_for_while_the_accuracy_is_low(ended, silent):
    assert (alarms(training(ends(71.0, 1.0), **ended)) == []) is silent


def test_a_running_training_has_no_accuracy_and_is_looked_at():
    assert alarms(replace(training(ends(71.0, 1.0)), outcome=None)) == [("exploding gradient", 71.0)]


@pytest.mark.parametrize(("zeros", "can_die", "found"), [(0.75, True, True), (0.69, True, False), (0.75, False, False)])
def test_units_that_can_die_do_where_most_of_the_gradient_is_zero(zeros, can_die, found):
    assert alarms(training(zeros=zeros, can_die=can_die)) == ([("dying ReLU", zeros)] if found else [])


def falling(*changes):
    return 2.0 - np.cumsum([0.0, *changes])


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        ([0.05] * 4 + [-0.05] + [0.05] * 5, 0.2),  # two of ten turn
        ([0.05] * 4 + [-0.05] + [0.05] * 6, None),  # two of eleven
        ([0.05] * 4 + [-0.02] + [0.05] * 5, None),  # the one that falls back is no swing, and one of ten is too few
        ([0.05] * 10, None),
    ],
)
def test_an_accuracy_that_turns_in_a_fifth_of_the_epochs_oscillates(changes, share):
    assert alarms(training(), falling(*changes)) == (
        [] if share is None else [("oscillating loss", pytest.approx(share))]
    )


@pytest.mark.parametrize(
    ("changes", "gain"),
    [
        ([0.2] * 3 + [0.009] * 7, 0.009),
        ([0.2] * 3 + [0.011] * 7, None),
        ([0.0] * 3 + [0.02] * 4 + [0.005] * 3, None),  # the first three of ten do not count
    ],
)
def test_a_gain_of_less_than_a_hundredth_an_epoch_is_slow_after_three_tenths_of_them(changes, gain):
    assert alarms(training(), falling(*changes)) == (
        [] if gain is None else [("slow convergence", pytest.approx(gain))]
    )


@pytest.mark.parametrize(
    ("threshold", "value", "alarm"),
    [
        ("vanishing_ratio", 2.0**-11, None),
        ("vanishing_gradient", 2.0**-14, None),
        ("zero_share", 0.75, ("dying ReLU", 0.75)),
    ],
)
def test_gradients_must_be_below_their_limits_and_zeros_at_theirs(threshold, value, alarm):
    at = AutotrainerThresholds(**{"zero_share": 1.0, threshold: value})
    found = alarms(training(ends(2.0**-14, 2.0**-3), zeros=0.75), thresholds=at)
    others = [] if value < 0.5 else [("vanishing gradient", 2.0**-11)]
    assert found == [*others, *([alarm] if alarm else [])]


@pytest.mark.parametrize(("change", "swings"), [(0.25, True), (0.125, False)])
def test_a_swing_is_a_change_of_its_size_or_more(change, swings):
    losses = np.cumsum([4.0, *[-change, -change, change, -change] * 2])  # four of the eight turn
    found = alarms(training(), losses, thresholds=AutotrainerThresholds(swing=0.25, gain=-1.0))
    assert found == ([("oscillating loss", 0.5)] if swings else [])


@pytest.mark.parametrize(("limit", "slow"), [(0.125, False), (0.126, True)])
def test_a_gain_of_just_the_limit_is_not_slow(limit, slow):
    found = alarms(training(), 4.0 - 0.125 * np.arange(11), thresholds=AutotrainerThresholds(gain=limit))
    assert found == ([("slow convergence", 0.125)] if slow else [])


def test_without_two_probes_the_loss_says_nothing():
    assert alarms(training(), [1.0]) == []


def test_autotrainer_looks_at_the_ratio_and_at_the_first_layer() -> None:
    tiny = with_weight_gradients(healthy_record(), np.geomspace(1e-6, 1e-2, 11))
    large = with_weight_gradients(healthy_record(), np.geomspace(1.0, 1e-2, 11))
    assert diagnose(tiny, rule_set="autotrainer").primary == "vanishing_gradients"
    assert diagnose(large, rule_set="autotrainer").primary == "exploding_gradients"


def test_autotrainer_is_silent_once_the_accuracy_is_high() -> None:
    tiny = with_weight_gradients(healthy_record(), np.geomspace(1e-6, 1e-2, 11))
    good = replace(tiny, outcome=outcome(final_validation_accuracy=0.61))
    assert diagnose(good, rule_set="autotrainer").primary == "healthy"
