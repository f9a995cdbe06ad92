"""What a run is worth to a search, by hand."""

from dataclasses import replace
from math import inf, log, nan

import pytest

from gradclinic.comparison import RunResult
from gradclinic.prescription.trials import badness, loss_left, seconds

from ..diagnoses import diagnosed
from ..metrics import metrics


def ended(**known):
    return RunResult("run_1", "arm", 0, metrics=metrics(**known), diagnosis=diagnosed("healthy"))


def test_of_training_and_validation_the_worse_loss_is_left():
    # The constant predictor's loss is 2.
    assert loss_left(ended(relative_train_loss=0.2, final_train_loss=0.4, final_validation_loss=1.0)) == 0.5
    assert loss_left(ended(relative_train_loss=0.2, final_train_loss=0.4, final_validation_loss=0.1)) == 0.2
    assert loss_left(ended(relative_train_loss=0.2, final_train_loss=0.4)) == 0.2
    assert loss_left(ended(relative_train_loss=0.2, final_validation_loss=1.0)) == 0.2


@pytest.mark.parametrize("known", [{}, {"relative_train_loss": nan}, {"relative_train_loss": 0.1, "nonfinite_step": 3}])
def test_everything_is_left_where_training_came_to_nothing(known):
    assert loss_left(ended(**known)) == inf
    assert badness(ended(**known)) == inf


def test_a_run_that_failed_is_no_better_for_what_it_measured():
    assert loss_left(replace(ended(relative_train_loss=0.1), status="failed")) == inf


def test_harm_weighs_like_four_times_the_loss():
    healthy = ended(relative_train_loss=0.5)
    assert badness(healthy) == pytest.approx(log(0.5))
    assert badness(replace(healthy, diagnosis=diagnosed("dead_units"))) == pytest.approx(log(2.0))


def test_losses_below_a_hundredth_are_equally_good():
    assert badness(ended(relative_train_loss=0.001)) == badness(ended(relative_train_loss=0.01)) == log(0.01)


def test_a_run_costs_its_training_and_its_recording():
    assert seconds(ended(train_seconds=2.0, recording_seconds=0.5)) == 2.5
    assert seconds(ended(train_seconds=2.0)) == 2.0
    assert seconds(ended()) == 0
