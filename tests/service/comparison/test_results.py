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
