"""The questions that rules share, at and beside the values where their answers change."""

from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules import base
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.losses import Swings
from gradclinic.measurements.record import WeightInfo

from ..records import healthy_record

THRESHOLDS = Thresholds()
FEATURES = extract(healthy_record())
STEPS = np.arange(0, 301, 5, dtype=np.int32)


def features(**changes):
    return replace(FEATURES, **changes)


def probed(losses, **changes):
    return features(probe_steps=STEPS, probe_loss=np.broadcast_to(losses, STEPS.shape).astype(float), **changes)


# --- blown up: by default more than three times the constant predictor's loss -------------------------------


def blown_up(found):
    return base.blown_up(found, THRESHOLDS)


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
    assert base.swinging(swings(**changes), THRESHOLDS, is_learned=False) is is_so


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
    assert base.swinging(swings(**changes), THRESHOLDS, is_learned=True) is is_so


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
    assert (base.learned(found, THRESHOLDS), base.failed(found, THRESHOLDS)) == (learned, failed)


@pytest.mark.parametrize(
    ("steps", "records", "is_so"), [(20, 6, True), (19, 6, False), (20, 5, False), (500, 5, False), (19, 500, False)]
)
def test_twenty_steps_and_six_records_are_enough(steps, records, is_so):
    assert base.enough(features(steps_done=steps, finite_records=records), THRESHOLDS) is is_so


# --- a slope that is near its threshold of 1.5 decades ------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "early", "near"),
    [
        (None, None, None),
        (0.9, 0.5, None),
        (1.0, 0.5, 1.0),
        (0.5, 1.2, 1.2),
        (-1.2, 1.0, -1.2),
        (None, -1.4, -1.4),
        (1.2, 1.5, None),
        (-1.5, 1.2, None),
    ],
)
def test_the_steeper_slope_is_near_from_two_thirds_of_its_threshold_on(start, early, near):
    found = features(depth_slope_start=start, depth_slope_early=early)
    assert base.near_slope(found, THRESHOLDS) == near
    evidence = [(each.name, each.value, each.threshold) for each in base.near_slope_evidence(found, THRESHOLDS)]
    threshold = None if near is None else 1.5 if near > 0 else -1.5
    assert evidence == ([] if near is None else [("depth_slope", near, threshold)])


def test_a_near_slope_is_told_by_what_it_would_be_beyond_its_threshold():
    lost = base.near_slope_in_words(features(depth_slope_start=1.2, depth_slope_early=0.0), THRESHOLDS)
    gained = base.near_slope_in_words(features(depth_slope_start=-1.2, depth_slope_early=0.0), THRESHOLDS)
    assert "gradients shrink by a factor of 10^1.2" in lost
    assert "close to the 10^1.5 from which they count as vanishing" in lost
    assert "gradients grow by a factor of 10^1.2" in gained
    assert "count as exploding" in gained
    assert base.near_slope_in_words(features(depth_slope_start=0.0, depth_slope_early=0.0), THRESHOLDS) == ""


# --- words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nonfinite_step": 4}, "training ended at step 4 with a loss or gradient that is not finite"),
        (
            {"relative_train_loss": None},
            "always predicting the average is not known, so it is not known whether this hurts",
        ),
        (
            {"relative_train_loss": None, "finished": False},
            "training has not finished, so it is not known whether this hurts",
        ),
        ({"relative_train_loss": 0.5}, "learned anyway (its training loss fell to 50 % of"),
        ({"relative_train_loss": 0.95}, "learned too little"),
        ({"relative_train_loss": 0.96}, "learned nothing"),
        ({"relative_train_loss": 1.1}, "learned nothing"),
        (
            {"relative_train_loss": 1.2, "relative_initial_loss": 1.2},
            "is still worse than always predicting the average",
        ),
        ({"relative_train_loss": 1.2, "relative_initial_loss": 1.1}, "ended worse than if it had learned nothing"),
        ({"relative_train_loss": 1.2, "relative_initial_loss": None}, "ended worse than if it had learned nothing"),
    ],
)
def test_what_became_of_the_training_is_told_by_its_final_loss(changes, words):
    assert words in base.outcome_in_words(features(**changes), THRESHOLDS)


def test_the_loss_is_evidence_where_it_is_known():
    assert base.loss_evidence(features(relative_train_loss=None), THRESHOLDS) == ()
    (found,) = base.loss_evidence(features(relative_train_loss=0.7), THRESHOLDS)
    assert (found.value, found.threshold) == (0.7, 0.5)


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (0.0, "less than 0.1 % of"),
        (0.0004, "less than 0.1 % of"),
        (0.0005, "0.1 % of"),
        (0.013, "1.3 % of"),
        (0.1, "10 % of"),
        (3.4, "340 % of"),
        (100.0, "10,000 % of"),
        (101.0, "101 times"),
    ],
)
def test_a_ratio_is_read_in_percent_and_a_large_one_in_times(ratio, words):
    assert base.against_constant(ratio) == f"{words} the loss of always predicting the average"


def test_things_are_counted_with_their_noun():
    assert base.counted(1, "step") == "1 step"
    assert base.counted(2000, "step") == "2,000 steps"
    assert base.counted(2, "loss", "losses") == "2 losses"


@pytest.mark.parametrize(
    ("layers", "words"),
    [("", ""), ("a", "a"), ("ab", "a and b"), ("abcd", "a, b, c and d"), ("abcde", "a, b, c and 2 more")],
)
def test_layers_are_listed_up_to_four(layers, words):
    assert base.listed(tuple(layers)) == words


def test_a_layer_whose_name_is_only_a_number_is_said_with_its_class():
    record = replace(
        healthy_record(),
        weights=(WeightInfo("net.6", (4, 4), module="Linear"), WeightInfo("head", (2, 4), module="Linear")),
    )
    assert base.named("net.6", record) == "net.6 (Linear)"
    assert [base.named(each, record) for each in ("head", "7")] == ["head", "7"]
    assert base.all_named(("net.6", "head"), record) == "net.6 (Linear) and head"
