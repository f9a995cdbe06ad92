from dataclasses import replace
from math import inf, nan

import pytest

from gradclinic.comparison import RunResult, compare, in_one_unit

from .runs import arm, run

VARIANCE = 2e6
"""Of targets in the thousands: what standardizing divides their squared errors by."""


def stuck(name, *, scale):
    """Five seeds that predict about the average, in a loss of which one unit is `scale` of the targets' own."""
    losses = [loss * VARIANCE for loss in (1.001, 1.003, 1.002, 1.004, 1.0)]
    return [
        run(name, seed, loss / scale, "vanishing_gradients", relative_train_loss=loss / VARIANCE, loss_unit=scale)
        for seed, loss in enumerate(losses)
    ]


def test_standardizing_the_targets_of_a_network_that_learns_nothing_is_no_effect():
    found = compare([*stuck("baseline", scale=1.0), *stuck("standardize", scale=VARIANCE)]).arms[0]
    effect = found.effects["final_validation_loss"]
    assert (found.verdict, effect.ratio) == ("no_effect", pytest.approx(1.0))
    assert effect.arm_mean == effect.baseline_mean == pytest.approx(1.002 * VARIANCE, rel=1e-3)


def test_losses_that_share_a_unit_stay_as_they_are():
    standardized = [*stuck("baseline", scale=VARIANCE), *stuck("relu", scale=VARIANCE)]
    assert in_one_unit(standardized) == standardized


def test_losses_in_one_unit_are_not_converted_twice():
    runs = in_one_unit([*stuck("baseline", scale=1.0), *stuck("standardize", scale=VARIANCE)])
    assert in_one_unit(runs) == runs


def test_runs_of_an_earlier_version_keep_the_whole_comparison_as_it_was():
    runs = [*arm("baseline", [0.5, 0.6]), *stuck("standardize", scale=VARIANCE)]
    assert in_one_unit(runs) == runs


def test_a_run_that_came_to_no_end_does_not_stand_in_the_way():
    lost = RunResult("run_lost", "standardize", 9, status="failed")
    runs = in_one_unit([*stuck("baseline", scale=1.0), *stuck("standardize", scale=VARIANCE), lost])
    assert {each.metric("loss_unit") for each in runs} == {1.0, None}


@pytest.mark.parametrize(
    ("loss", "relative", "constant"),
    [(1.0, 0.25, 4.0), (0.0, 0.25, None), (1.0, 0.0, None), (nan, 0.25, None), (1.0, inf, None), (1.0, None, None)],
)
def test_the_loss_of_a_constant_is_known_from_a_loss_and_what_it_is_relative_to_it(loss, relative, constant):
    assert run("a", 0, loss, relative_train_loss=relative).constant_loss == constant


@pytest.mark.parametrize(
    ("relative", "step", "condition", "learned"),
    [
        (0.5, None, "slow_convergence", True),
        (0.51, None, "healthy", False),
        (0.1, 3, "healthy", False),
        (None, None, "healthy", True),
        (None, None, "slow_convergence", False),
    ],
)
def test_half_of_it_is_learned_and_without_it_a_healthy_diagnosis_has_to_do(relative, step, condition, learned):
    assert run("a", 0, 1.0, condition, relative_train_loss=relative, nonfinite_step=step).learned is learned


def test_a_run_without_numbers_broke_nothing_off_and_names_no_condition():
    empty = RunResult("run_1", "a", 0, status="failed")
    assert (empty.broke_off, empty.harmful, empty.primary) == (False, frozenset(), "insufficient_evidence")
    assert (empty.succeeded, empty.pending) == (False, False)
    assert run("a", 0, 1.0, "healthy", harmful=True).harmful == frozenset()
    assert run("a", 0, 1.0, "dead_units").harmful == {"dead_units"}


def test_losses_are_converted_to_the_targets_own_unit_and_those_that_are_missing_stay_so():
    standardized = run("b", 0, 0.5, loss_unit=4.0)
    none = replace(standardized, metrics=replace(standardized.metrics, final_validation_loss=None))
    _, found, missing = in_one_unit([run("a", 0, 2.0, loss_unit=1.0), standardized, none])
    assert (found.metric("final_train_loss"), found.metric("final_validation_loss")) == (2.0, 2.0)
    assert (missing.metric("final_train_loss"), missing.metric("final_validation_loss")) == (2.0, None)
