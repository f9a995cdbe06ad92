"""At and beside the values where the outcome changes."""

from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import outcome
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.losses import Swings
from gradclinic.measurements.record import Series, WeightInfo

from .records import changed, healthy_record
from .seen import CLASSIFIER, but, seen

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


@pytest.mark.parametrize(("initial", "is_so"), [(None, True), (3.1, True), (3.2, False), (3.9, False), (5.0, False)])
def test_a_loss_that_came_down_to_where_it_is_has_not(initial, is_so):
    assert blown_up(probed(4.0 * (STEPS > 150), relative_train_loss=4.0, relative_initial_loss=initial)) is is_so


def unprobed(*last):
    few = {"probe_steps": STEPS[:2], "probe_loss": np.ones(2), "relative_train_loss": 4.0, "relative_initial_loss": 1.0}
    losses = np.array(last, dtype=float)
    return features(batch_loss=losses, batch_steps=np.arange(len(losses), dtype=np.int32), **few)


@pytest.mark.parametrize(
    ("last", "is_so"),
    [
        ((1, 1, 1, 16), True),
        ((4, 4, 4, 4, 4), True),
        ((1, 4, 4, 4, 1), True),
        ((1, 1, 4, 1, 13), False),
        ((1, 3, 3, 4, 13), False),
    ],
)
def test_without_probes_most_of_the_last_five_batches_are_high_where_there_are_five(last, is_so):
    assert blown_up(unprobed(*last)) is is_so


def test_probes_of_one_quarter_alone_say_no_more_than_none():
    """Eight probes are enough to look, but where none is in the second quarter, the last batches decide."""
    late = {"probe_steps": STEPS[-8:], "probe_loss": np.full(8, 4.0)}
    assert not blown_up(replace(unprobed(1, 1, 1, 1, 16), **late))
    assert blown_up(replace(unprobed(4, 4, 4, 4, 16), **late))


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


# --- what the record alone tells --------------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "is_so"), [(0.0, False), (0.125, True)])
def test_a_training_without_gradients_stands_still_unless_no_loss_is_left(loss, is_so):
    assert outcome.stands_still(changed(healthy_record(), {"weight_grad_norm_l2": 0.0, "train_loss": loss})) is is_so


@pytest.mark.parametrize(("from_step", "is_so"), [(225, False), (226, True)])
def test_it_stands_still_if_no_gradient_was_left_in_the_last_quarter(from_step, is_so):
    still = changed(healthy_record(), {"train_loss": 1.0, "weight_grad_norm_l2": 0.0})
    steps = still.series["weight_grad_norm_l2"].steps
    gradients = Series(steps, np.tile((steps < from_step)[:, None], (1, 11)).astype(np.float32))
    assert outcome.stands_still(replace(still, series={**still.series, "weight_grad_norm_l2": gradients})) is not is_so


def losing(first, last, *, count=32):
    """The record of a training whose loss changed once, halfway."""
    losses = np.where(np.arange(count) < count // 2, first, last).astype(np.float32)[:, None]
    record = healthy_record()
    return replace(record, series={**record.series, "train_loss": Series(np.arange(count, dtype=np.int32), losses)})


@pytest.mark.parametrize(
    ("first", "last", "count", "left"),
    [(4.0, 1.0, 32, 0.25), (4.0, 1.0, 31, None), (4.0, 0.0, 32, None), (0.0, 4.0, 32, None), (-4.0, -1.0, 32, None)],
)
def test_what_is_left_of_a_loss_is_known_from_32_steps_on_if_it_stays_above_0(first, last, count, left):
    assert outcome.loss_left(losing(first, last, count=count)) == left


@pytest.mark.parametrize(("first", "last", "is_so"), [(10, 9, True), (10, 8.9, False), (9, 10, True), (8.9, 10, False)])
def test_a_loss_that_changed_by_no_more_than_a_tenth_stayed_where_it_began(first, last, is_so):
    for unknown in (None, float("nan")):  # NaN where one output for all samples makes no error
        assert outcome.stayed_where_it_began(features(relative_train_loss=unknown), losing(first, last)) is is_so
    assert not outcome.stayed_where_it_began(features(relative_train_loss=1.0), losing(first, last))


@pytest.mark.parametrize(("before", "may"), [(2.5, True), (2.49, False)])
def test_a_loss_may_still_fall_to_one_half_if_it_falls_by_a_third_of_the_way_from_third_to_third(before, may):
    losses = np.where(STEPS <= 200, before, 2.0)[1:]  # 60 probes, of which the last 20 are at 2.0
    assert outcome.may_still_fall(features(probe_steps=STEPS[1:], probe_loss=losses), THRESHOLDS) is may


@pytest.mark.parametrize(
    ("losses", "falls", "may"),
    [([2.0] * 6, False, False), ([2.0] * 5, False, True), ([2.0] * 4 + [1.9] * 2, True, False)],
)
def test_six_losses_show_a_fall_if_there_is_any_beyond_their_scatter(losses, falls, may):
    found = features(probe_steps=50 * np.arange(1, 1 + len(losses), dtype=np.int32), probe_loss=np.array(losses))
    assert outcome.still_falling(found) is falls
    assert outcome.may_still_fall(found, THRESHOLDS) is may


@pytest.mark.parametrize(
    ("optimizer", "steps", "total", "are"),
    [
        ("SGD", 100, 0.5, True),
        ("SGD", 99, 0.5, False),
        ("SGD", 100, 1.0, False),
        ("Adam", 500, 0.49, True),
        ("Adam", 500, 0.5, False),
    ],
)
def test_steps_are_small_below_a_thousandth_each_or_in_plain_descent_if_100_of_them_move_no_layer(
    optimizer, steps, total, are
):
    record = seen(but(CLASSIFIER, "optimizer", name=optimizer, momentum=0.0))
    found = features(steps_done=steps, total_update=total)
    assert outcome.small_steps_suspected(found, record, THRESHOLDS) is are


@pytest.mark.parametrize(
    ("optimizer", "rate", "momentum", "are"),
    [
        ("SGD", 0.1, 0.0, True),
        ("SGD", 0.11, 0.0, False),
        ("SGD", 0.01, 0.9, True),
        ("SGD", 0.011, 0.9, False),
        ("Adam", 0.01, 0.9, True),
        ("Adam", 0.011, 0.9, False),
    ],
)
def test_ordinary_steps_are_those_of_the_customary_grids_times_what_momentum_adds(optimizer, rate, momentum, are):
    record = seen(but(CLASSIFIER, "optimizer", name=optimizer, learning_rate=rate, momentum=momentum))
    assert outcome.steps_are_ordinary(record) is are


@pytest.mark.parametrize(("units", "narrowest"), [(3, 3), (4, None)])
def test_up_to_three_units_a_layer_may_be_too_narrow(units, narrowest):
    record = healthy_record()
    sites = (replace(record.sites[0], units=units), *record.sites[1:])
    assert outcome.narrow(replace(record, sites=sites)) == narrowest


@pytest.mark.parametrize(("name", "narrowest"), [("lstm.weight_hh_l0", 1), ("lstm.weight_ih_l0", None)])
def test_so_may_the_state_of_a_recurrent_layer_whatever_its_inputs_are(name, narrowest):
    weights = (WeightInfo(name, (4, 1), module="LSTM"),)
    assert outcome.narrow(replace(healthy_record(), weights=weights)) == narrowest


@pytest.mark.parametrize(
    ("loss", "total", "is_so"), [(0.91, 1.0, True), (0.9, 1.0, False), (0.91, 0.99, False), (None, 1.0, False)]
)
def test_more_than_nine_tenths_of_the_loss_after_moving_by_its_own_size_is_far_for_nothing(loss, total, is_so):
    found = features(relative_train_loss=loss, total_update=total)
    assert outcome.moved_far_for_nothing(found, THRESHOLDS) is is_so
