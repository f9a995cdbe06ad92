"""At and beside the values where the outcome changes."""

from dataclasses import replace
from math import prod

import numpy as np
import pytest

from gradclinic.diagnosis import outcome
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.losses import Swings

from .records import healthy_record

THRESHOLDS = Thresholds()
FEATURES = extract(healthy_record())
STEPS = np.arange(0, 301, 5, dtype=np.int32)


def features(**changes):
    return replace(FEATURES, **changes)


def probed(losses, **changes):
    return features(probe_steps=STEPS, probe_loss=np.broadcast_to(losses, STEPS.shape).astype(float), **changes)


# --- blown up: by default more than three times the constant predictor's loss -------------------------------


def blown_up(found):
    return outcome.blown_up(found, THRESHOLDS)


def test_what_left_the_numbers_has_blown_up():
    assert blown_up(features(nonfinite_step=7, relative_train_loss=0.1))


@pytest.mark.parametrize(("loss", "is_so"), [(None, False), (float("nan"), False), (3.0, False), (3.1, True)])
def test_a_loss_beyond_three_times_the_constant_predictors_has_blown_up(loss, is_so):
    assert blown_up(probed(4.0 * (STEPS > 150), relative_train_loss=loss, relative_initial_loss=1.0)) is is_so


@pytest.mark.parametrize(("initial", "is_so"), [(None, True), (3.1, True), (3.9, False), (5.0, False)])
def test_a_loss_that_came_down_to_where_it_is_has_not(initial, is_so):
    assert blown_up(probed(4.0 * (STEPS > 150), relative_train_loss=4.0, relative_initial_loss=initial)) is is_so


def unprobed(*last):
    few = {"probe_steps": STEPS[:2], "probe_loss": np.ones(2), "relative_train_loss": 4.0, "relative_initial_loss": 1.0}
    losses = np.array(last, dtype=float)
    return features(batch_loss=losses, batch_steps=np.arange(len(losses), dtype=np.int32), **few)


@pytest.mark.parametrize(
    ("last", "is_so"),
    [((1, 1, 1, 16), True), ((4, 4, 4, 4, 4), True), ((1, 4, 4, 4, 1), True), ((1, 1, 4, 1, 13), False)],
)
def test_without_probes_most_of_the_last_five_batches_are_high_where_there_are_five(last, is_so):
    assert blown_up(unprobed(*last)) is is_so


def test_a_last_value_that_is_the_peak_of_a_swing_is_none():
    assert not blown_up(probed(1.0, relative_train_loss=4.0, relative_initial_loss=1.0))
    assert not blown_up(probed(3.0, relative_train_loss=4.0, relative_initial_loss=1.0))


def test_a_loss_that_swings_high_but_no_higher_than_before_oscillates():
    high = np.where((STEPS // 5) % 2, 8.0, 4.0)
    assert not blown_up(probed(high, relative_train_loss=8.0, relative_initial_loss=1.0))


def test_a_loss_that_swings_more_than_twice_as_high_as_before_has_blown_up():
    high = np.where((STEPS // 5) % 2, 8.0, 4.0)
    assert blown_up(probed(np.where(STEPS > 150, 4 * high, high), relative_train_loss=8.0, relative_initial_loss=1.0))


def test_a_loss_that_swings_exactly_twice_as_high_as_before_has_not():
    high = np.where((STEPS // 5) % 2, 8.0, 4.0)
    assert not blown_up(
        probed(np.where(STEPS > 150, 2 * high, high), relative_train_loss=8.0, relative_initial_loss=1.0)
    )


def test_a_high_loss_that_does_not_swing_has_blown_up():
    assert blown_up(probed(4.0, relative_train_loss=4.0, relative_initial_loss=1.0))


# --- swings --------------------------------------------------------------------------------------------


def swings(*, rises, intervals=100, total=10.0, net=1.0):
    return Swings(intervals=intervals, rises=rises, total_rise=total, net_change=net, steps=())


@pytest.mark.parametrize(
    ("changes", "is_so"),
    [
        ({"rises": 10}, True),
        ({"rises": 9}, False),
        ({"rises": 3, "intervals": 30}, True),
        ({"rises": 2, "intervals": 8}, False),
        ({"rises": 10, "total": 2.0}, True),
        ({"rises": 10, "total": 1.9}, False),
        ({"rises": 10, "total": 1.9, "net": -1.0}, False),
        ({"rises": 10, "total": 2.0, "net": -1.0}, True),
    ],
)
def test_a_network_that_did_not_learn_swings_where_a_tenth_of_the_intervals_rise_by_twice_the_change(changes, is_so):
    assert outcome.swinging(swings(**changes), THRESHOLDS, is_learned=False) is is_so


@pytest.mark.parametrize(
    ("changes", "is_so"),
    [
        ({"rises": 15, "total": 2.0}, True),
        ({"rises": 14, "total": 2.0}, False),
        ({"rises": 15, "total": 1.9}, False),
        ({"rises": 15, "total": 0.5, "net": 0.1}, True),
        ({"rises": 15, "total": 0.4, "net": 0.1}, False),
        ({"rises": 15, "total": 0.5, "net": -9.0}, True),
        ({"rises": 2, "intervals": 8, "total": 2.0}, True),
    ],
)
def test_a_network_that_learned_swings_where_more_rise_and_by_half_of_the_loss_at_least(changes, is_so):
    assert outcome.swinging(swings(**changes), THRESHOLDS, is_learned=True) is is_so


# --- learned, failed, enough -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "learned", "failed"),
    [
        ({"relative_train_loss": 0.5}, True, False),
        ({"relative_train_loss": 0.51}, False, True),
        ({"relative_train_loss": 0.51, "finished": False}, False, False),
        ({"relative_train_loss": None}, False, False),
        ({"relative_train_loss": 0.1, "nonfinite_step": 0}, False, True),
        ({"relative_train_loss": None, "nonfinite_step": 3, "finished": False}, False, True),
    ],
)
def test_half_of_the_constant_predictors_loss_is_learned_and_only_an_end_without_it_is_failed(changes, learned, failed):
    found = features(**changes)
    assert (outcome.learned(found, THRESHOLDS), outcome.failed(found, THRESHOLDS)) == (learned, failed)


@pytest.mark.parametrize(
    ("steps", "records", "is_so"), [(20, 6, True), (19, 6, False), (20, 5, False), (500, 5, False), (19, 500, False)]
)
def test_twenty_steps_and_six_records_are_enough(steps, records, is_so):
    assert outcome.enough(features(steps_done=steps, finite_records=records), THRESHOLDS) is is_so


def test_the_gain_of_a_layer_is_its_weights_size_times_the_root_of_its_inputs():
    """Weights of deviation d over n inputs enlarge independent inputs of size 1 to d sqrt(n)."""
    record = healthy_record()
    sizes = record.series["weight_norm_l2"]
    norms = np.array([0.7 / prod(each.shape[1:]) ** 0.5 * prod(each.shape) ** 0.5 for each in record.weights])
    values = np.tile(norms, (len(sizes.values), 1))
    record = replace(record, series={**record.series, "weight_norm_l2": replace(sizes, values=values)})
    assert outcome.typical_gain(record) == pytest.approx(0.7)
    assert outcome.typical_gain(replace(record, series={})) is None
