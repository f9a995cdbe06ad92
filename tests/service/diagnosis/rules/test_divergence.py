from dataclasses import replace
from math import nan

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules.divergence import Divergence, onset_of_blow_up
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.record import Series

from ..records import SICK, changed, failed, healthy_record, outcome, truncated, with_slope
from ..seen import REGRESSION, but


def test_a_running_loss_that_is_not_finite_is_certain() -> None:
    running = changed(
        truncated(healthy_record(), 40), {"train_loss": lambda steps: np.where(steps < 30, 2.0, np.nan)}, outcome=None
    )
    diagnosis = diagnose(running)
    assert diagnosis.primary == "divergence"
    assert diagnosis.findings[0].last_step == 30


@pytest.mark.parametrize(
    ("early", "late", "swing", "primary"),
    [
        (1.0, 1.0, 0.0, "slow_convergence"),  # the last value alone was a peak
        (4.0, 4.0, 0.0, "divergence"),
        (4.0, 4.0, 2.0, "oscillating_loss"),  # it swings high, but no higher than before
        (1.9, 4.0, 0.5, "divergence"),
        (2.1, 4.0, 2.0, "oscillating_loss"),
    ],
)
def test_a_loss_that_ends_high_ran_away_unless_it_swings_no_higher_than_before(early, late, swing, primary) -> None:
    def losses(steps: np.ndarray) -> np.ndarray:
        return 2.3 * (np.where(steps < 200, early, late) + swing * (-1.0) ** (steps // 5))

    ended = failed(final_train_loss=4.0 * 2.3)
    assert diagnose(changed(healthy_record(), {"probe_loss": losses}, outcome=ended)).primary == primary


def judged(record, **features):
    return Divergence().judge(replace(extract(record), **features), record, Thresholds())


def broken(**changes):
    """A training of four steps whose loss multiplies by 10, and is not finite after the last."""
    record = changed(truncated(healthy_record(), 4), {"train_loss": lambda steps: 2.3 * 10.0**steps, **changes})
    return replace(record, outcome=failed(steps_done=4, nonfinite_step=4, final_train_loss=nan))


def test_a_loss_that_left_the_numbers_is_told_with_its_steps_and_their_size() -> None:
    finding = judged(broken())
    assert finding.summary == (
        "Training diverged with learning rate 0.1, so lower it: from step 1 on the loss grew without bound and at step"
        " 4 the loss or gradient was no longer finite; 0.linear moved most. Gradients did not explode over the depth to"
        " begin with, so the steps were too large."
    )
    assert (finding.first_step, finding.last_step, finding.layers) == (1, 4, ("0.linear",))
    told = {each.name: (each.value, each.threshold) for each in finding.evidence}
    assert told["nonfinite_step"] == (4.0, None)
    assert told["depth_slope_start"] == (pytest.approx(0.0, abs=1e-6), -1.5)
    assert told["learning_rate"] == (pytest.approx(0.1), None)
    assert told["relative_initial_loss"] == (pytest.approx(2.4 / 2.3), 3.0)


def test_a_loss_that_ended_high_is_told_by_where_it_ended() -> None:
    high = changed(healthy_record(), {"probe_loss": 9.2}, outcome=failed(final_train_loss=9.2))
    finding = judged(high)
    assert (finding.first_step, finding.last_step) == (299, 299)  # the batches' losses fell
    assert "ended at 400 % of the loss of always predicting the average; 0.linear moved most." in finding.summary
    assert finding.evidence[-1].name == "relative_train_loss"


@pytest.mark.parametrize(
    ("losses", "onset"),
    [
        ([0.5, 0.5, 1.0, 1.1, 3.0], 3),
        ([0.5, 3.0, 1.0, 0.9, 0.5], 9),
        ([0.5, 3.0, 3.0, 3.0, nan], 1),
        ([nan, 3.0, 3.0, 3.0, 3.0], 0),
        ([], 9),
    ],
)
def test_a_loss_ran_up_from_where_it_never_again_came_below_twice_its_first_value(losses, onset) -> None:
    steps = np.arange(len(losses), dtype=np.int32)
    record = healthy_record()
    series = {**record.series, "train_loss": Series(steps, np.array(losses, np.float32).reshape(-1, 1))}
    features = replace(extract(record), steps_done=10, nonfinite_step=None)
    assert onset_of_blow_up(features, replace(record, series=series)) == onset
    if onset == 9:
        features = replace(features, nonfinite_step=7)
        assert onset_of_blow_up(features, replace(record, series=series)) == 7


def test_the_layer_that_moved_most_is_that_of_the_last_finite_record() -> None:
    steps = np.arange(3, dtype=np.int32)
    rows = np.full((3, 11), nan, np.float32)
    rows[0], rows[1, [1, 3]] = 9.0, (0.1, 0.5)
    record = broken()
    moved = replace(record, series={**record.series, "update_to_weight_ratio": Series(steps, rows)})
    assert judged(moved).layers == ("6.linear",)
    never = replace(record, series={**record.series, "update_to_weight_ratio": Series(steps, rows * nan)})
    assert judged(never).layers == ()
    unknown = replace(record, series={**record.series, "update_to_weight_ratio": Series(steps[:0], rows[:0])})
    assert judged(unknown).layers == ()
    assert "moved most" not in judged(unknown).summary


@pytest.mark.parametrize(
    ("features", "fires"),
    [
        ({"depth_slope_start": -1.49}, True),
        ({"depth_slope_start": -1.5}, False),
        ({"depth_slope_start": 1.5}, True),
        ({"depth_slope_start": None}, True),
        ({"local_gain_start": 1.5}, False),
        ({"local_gain_start": 1.49}, True),
        ({"depth_slope_start": None, "local_gain_start": 1.5}, False),
    ],
)
def test_gradients_that_exploded_before_the_first_step_are_another_condition(features, fires) -> None:
    assert (judged(broken(), **features) is not None) is fires


def test_the_doubt_is_whether_the_depth_had_a_part_in_it() -> None:
    assert judged(broken()).confidence == 0.99
    assert judged(broken(), depth_slope_start=None).confidence == 0.99
    assert judged(broken(), profile=None).confidence == 0.99
    # One error of .1 away from the threshold: Phi(1) = .8413.
    assert judged(broken(), depth_slope_start=-1.4).confidence == pytest.approx(0.99 * 0.8413, abs=1e-3)


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ({"relative_initial_loss": 3.1}, "Before the first step the loss was already 310 % of"),
        ({"relative_initial_loss": 3.0}, "did not explode over the depth to begin with"),
        ({"relative_initial_loss": None}, "did not explode over the depth to begin with"),
        ({"depth_slope_start": None}, "the network has too few layers to compare gradients"),
    ],
)
def test_what_the_steps_were_too_large_for_is_said(features, said) -> None:
    assert said in judged(broken(), **features).summary


@pytest.mark.parametrize(("rate", "lower"), [(3.0, True), (0.1, False)])
def test_steps_that_are_large_by_any_measure_are_so_whatever_the_loss_was_before_them(rate, lower) -> None:
    look = but(but(REGRESSION, "optimizer", name="SGD", learning_rate=rate, momentum=0.0), "inputs", rms=1.0)
    found = judged(replace(broken(), preflight=look), relative_initial_loss=5.0)
    assert (", so lower it: " in found.summary) is lower


def test_a_loss_that_did_not_rise_before_it_broke_off_is_not_said_to_have() -> None:
    level = replace(broken(train_loss=2.3), outcome=failed(steps_done=4, nonfinite_step=4, final_train_loss=nan))
    assert "0.1, so lower it: at step 4 the loss or gradient was no longer finite" in judged(level).summary


def test_a_loss_that_stayed_is_no_divergence() -> None:
    assert judged(with_slope(SICK["vanishing_gradients"](), 0.0)) is None


def test_before_any_step_the_steps_are_not_at_fault() -> None:
    ended = failed(steps_done=0, nonfinite_step=0, final_train_loss=nan)
    record = changed(
        truncated(healthy_record(), 1), {"train_loss": lambda steps: np.full(len(steps), nan)}, outcome=ended
    )
    finding = next(each for each in diagnose(record).findings if each.condition == "divergence")
    assert "No step was taken before" in finding.summary
    assert "steps were too large" not in finding.summary
    assert finding.blames == ("initialization", "loss", "data")


@pytest.mark.parametrize(
    ("optimizer", "part", "size", "blamed"),
    [
        ({"name": "SGD", "learning_rate": 0.01, "momentum": 0.9}, "inputs", {"rms": 240.0}, "input_scaling"),
        ({"name": "SGD", "learning_rate": 0.01, "momentum": 0.9}, "targets", {"mean": 500.0}, "target_scaling"),
        ({"name": "Adam", "learning_rate": 0.01, "momentum": 0.9}, "inputs", {"rms": 240.0}, "input_scaling"),
        ({"name": "SGD", "learning_rate": 0.02, "momentum": 0.9}, "inputs", {"rms": 240.0}, "learning_rate"),
        ({"name": "SGD", "learning_rate": 0.2, "momentum": 0.0}, "inputs", {"rms": 240.0}, "learning_rate"),
        ({"name": "Adam", "learning_rate": 0.02, "momentum": 0.9}, "inputs", {"rms": 240.0}, "learning_rate"),
        ({"name": "SGD", "learning_rate": 0.01, "momentum": 0.0}, "inputs", {"rms": 2.0}, "learning_rate"),
    ],
)
def test_steps_that_fit_standardized_data_are_too_large_because_of_the_scale(optimizer, part, size, blamed) -> None:
    look = but(but(REGRESSION, "optimizer", **optimizer), part, **size)
    found = diagnose(replace(broken(), preflight=look)).findings[0]
    assert (found.condition, found.blames[0]) == ("divergence", blamed)
    assert ("which is an ordinary one, so standardize" in found.summary) is (blamed != "learning_rate")


@pytest.mark.parametrize(("grown", "first", "there"), [(380.0, 14.0, True), (380.0, 0.5, False), (50.0, 14.0, False)])
def test_a_loss_without_a_yardstick_that_grew_after_its_first_step_replaced_the_weights(grown, first, there):
    """As that of a discriminator at a thousand times its rate; a loss alone may grow in sound training."""
    levels = {
        "train_loss": lambda steps: np.where(steps == 0, 1.4, 1.4 * grown),
        "update_to_weight_ratio": lambda steps: np.where(steps == 0, first, 0.01),
    }
    record = changed(healthy_record(), levels, outcome=outcome(constant_loss=None, final_train_loss=1.4 * grown))
    found = {each.condition: each for each in diagnose(record).findings}
    assert ("divergence" in found) is there
    if there:
        finding = found["divergence"]
        assert (finding.harm, finding.blames[0]) == (True, "learning_rate")
        assert "The loss ended at 3.8e+02 times its first value" in finding.summary
        assert "by 14 times its size" in finding.summary
