"""Differences paired by seed, by hand. The constant predictor's loss is 2.3 throughout."""

from dataclasses import replace
from math import exp, log

import pytest

from gradclinic.comparison import METRICS
from gradclinic.comparison.paired import paired_difference, ratio

from .runs import CONSTANT, NAN, arm, run

LOSS = "final_validation_loss"
ACCURACY = "final_validation_accuracy"


def paired(baseline, new, metric=LOSS, **more):
    return paired_difference(
        METRICS[metric],
        baseline={each.pair: each for each in baseline},
        arm={each.pair: each for each in new},
        **{"confidence": 0.95, "comparisons": 1, **more},
    )


def measured(name, metric, *values):
    return [run(name, seed, 0.5, **{metric: value}) for seed, value in enumerate(values)]


def test_losses_differ_by_their_logarithms_and_means_are_geometric():
    found = paired(arm("baseline", [1.0, 0.25]), arm("new", [0.5, 0.5]))
    assert found.differences == pytest.approx([log(0.5), log(2)])
    assert (found.wins, found.losses, found.pairs, found.finite) == (1, 1, 2, True)
    assert (found.baseline_mean, found.arm_mean) == pytest.approx((0.5, 0.5))
    assert found.gain == found.mean == pytest.approx(0.0)


def test_a_loss_that_is_not_finite_counts_as_three_times_the_constant_predictors_and_so_does_one_beyond():
    found = paired(arm("baseline", [1.0, 1.0, 1.0]), arm("new", [NAN, 50.0, 4.6]))
    assert found.differences == pytest.approx([log(6.9), log(6.9), log(4.6)])
    assert (found.losses, found.finite) == (3, False)
    assert found.arm_mean == pytest.approx((50.0 * 4.6) ** 0.5)


def test_a_loss_of_nothing_counts_as_the_smallest_that_is_no_rounding():
    found = paired(arm("baseline", [1.0]), arm("new", [0.0]))
    assert found.differences == pytest.approx([-23 * log(2)])
    assert found.arm_mean == pytest.approx(2.0**-23)


def test_a_relative_loss_is_capped_at_three():
    found = paired(arm("baseline", [CONSTANT]), arm("new", [10 * CONSTANT]), "relative_train_loss")
    assert found.differences == pytest.approx([log(3)])


def test_a_target_never_reached_counts_as_three_times_the_most_steps():
    before, after = measured("baseline", "steps_to_target", 40, 100), measured("new", "steps_to_target", 20, None)
    found = paired(before, after, "steps_to_target")
    assert found.differences == pytest.approx([log(0.5), log(3)])
    assert (found.wins, found.losses) == (1, 1)


def test_an_accuracy_is_better_where_it_is_higher_and_its_gain_is_turned():
    found = paired(measured("baseline", ACCURACY, 0.8, 0.8, 0.9), measured("new", ACCURACY, 0.9, 0.9, 0.9), ACCURACY)
    assert found.differences == pytest.approx([0.1, 0.1, 0.0])
    assert (found.wins, found.losses) == (2, 0)
    assert (found.mean, found.gain) == pytest.approx((0.2 / 3, -0.2 / 3))
    low, high = found.interval
    assert found.gain_interval == (-high, -low)
    assert low < high
    assert (found.baseline_mean, found.arm_mean) == pytest.approx((2.5 / 3, 0.9))


def test_a_slope_is_better_where_it_is_nearer_to_zero():
    found = paired(
        measured("baseline", "depth_slope", -3.0, 1.0), measured("new", "depth_slope", 2.0, -2.0), "depth_slope"
    )
    assert (found.wins, found.losses) == (1, 1)
    assert found.differences == pytest.approx([5.0, -3.0])


def test_seeds_whose_runs_ended_in_another_way_are_not_alike():
    # Not learned beside learned, not finite beside finite, and two that ended alike.
    found = paired(arm("baseline", [1.2, 0.5, NAN, 1.0]), arm("new", [0.6, NAN, NAN, 0.5]))
    assert found.differences == pytest.approx([log(0.5), log(13.8), 0.0, log(0.5)])
    assert found.alike == pytest.approx([0.0, log(0.5)])


def test_the_points_of_a_sweep_are_one_difference_a_seed():
    def swept(name, *losses):
        return [
            replace(run(name, seed, loss), sweep_point=(("/model/depth", point),))
            for seed, point, loss in ((0, 1, losses[0]), (0, 2, losses[1]), (1, 1, losses[2]))
        ]

    found = paired(swept("baseline", 1.0, 1.0, 1.0), swept("new", 0.5, 1.0, 1.0))
    assert found.differences == pytest.approx([log(0.5) / 2, 0.0])
    assert found.pairs == 3


def test_the_interval_is_students_and_what_is_reserved_makes_it_surer():
    # t(0.975; 2) = 4.30265 and t(0.98; 2) = 4.84873.
    new = arm("new", [exp(0.1), exp(0.2), exp(0.3)])
    half = 0.1 / 3**0.5
    found = paired(arm("baseline", [1.0] * 3), new)
    assert found.interval == pytest.approx((0.2 - 4.30265 * half, 0.2 + 4.30265 * half), abs=1e-5)
    surer = paired(arm("baseline", [1.0] * 3), new, reserved=0.01)
    assert surer.interval == pytest.approx((0.2 - 4.84873 * half, 0.2 + 4.84873 * half), abs=1e-5)


def test_what_is_reserved_makes_more_seeds_needed():
    # A mean of 0.02 is negligible by ln(1.05) - 0.02 = 0.0288: (1.960 + 0.842)^2 0.1^2 / 0.0288^2 = 95 seeds, and with
    # 2.326 for 1.960, 121; Student's quantiles ask for a few more.
    scattered = arm("baseline", [1.0] * 3), arm("new", [exp(-0.08), exp(0.02), exp(0.12)])
    assert paired(*scattered).seeds_needed() == pytest.approx(97, abs=2)
    assert paired(*scattered, reserved=0.03).seeds_needed() == pytest.approx(124, abs=2)


def test_a_single_seed_has_no_interval_and_says_nothing_of_how_many_would_do():
    found = paired(arm("baseline", [1.0]), arm("new", [0.5]))
    assert (found.interval, found.seeds_needed()) == (None, None)


def test_runs_without_a_partner_or_without_the_number_are_no_pairs():
    assert paired(arm("baseline", [1.0]), [run("new", 7, 1.0)]) is None
    before, after = measured("baseline", ACCURACY, 0.5, None, 0.5), measured("new", ACCURACY, 0.6, 0.6, None)
    assert paired(before, after, ACCURACY).pairs == 1


def test_what_is_not_finite_is_shown_as_nothing():
    shown = paired(arm("baseline", [1.0, 1.0]), arm("new", [NAN, 0.5])).effect()
    assert (shown.difference, shown.interval, shown.ratio, shown.ratio_interval) == (None, None, None, None)
    assert (shown.wins, shown.losses) == (1, 1)


def test_a_ratio_stays_within_what_a_float_holds():
    assert ratio(1000.0) == exp(700.0)
    assert ratio(-1.0) == exp(-1.0)


def test_seeds_are_needed_for_the_error_that_is_left_of_what_is_reserved():
    base, new = arm("baseline", [1.0, 1.0, 1.0, 1.0]), arm("new", [0.9, 1.05, 0.8, 1.1])
    plain, reserved = paired(base, new), paired(base, new, reserved=0.04)
    assert plain.seeds_needed() < reserved.seeds_needed()
    assert plain.interval[1] < reserved.interval[1]
    two = paired(base[:2], new[:2])
    assert two.seeds_needed() is not None
    assert paired(base[:1], new[:1]).seeds_needed() is None


def test_an_effect_is_shown_on_the_scale_of_its_metric():
    found = paired(arm("baseline", [1.0, 1.0]), arm("new", [0.5, 0.5])).effect()
    assert (found.ratio, found.ratio_interval) == (pytest.approx(0.5), pytest.approx((0.5, 0.5)))
    plain = paired(measured("baseline", ACCURACY, 0.8), measured("new", ACCURACY, 0.9), ACCURACY).effect()
    assert not hasattr(plain, "ratio")
    assert (plain.difference, plain.interval) == (pytest.approx(0.1), None)


def test_without_a_constant_an_outcome_that_is_not_finite_counts_as_three_times_the_largest():
    unknown = {"relative_train_loss": None}
    found = paired(arm("baseline", [1.0, 2.0], **unknown), arm("new", [NAN, 0.5], **unknown))
    assert found.differences == pytest.approx([log(6), log(0.25)])


def test_of_several_constants_the_largest_bounds_a_loss():
    base = [run("baseline", 0, 1.0, relative_train_loss=1.0), run("baseline", 1, 1.0, relative_train_loss=0.5)]
    new = [run("new", 0, NAN, relative_train_loss=NAN), run("new", 1, 1.0, relative_train_loss=0.5)]
    assert paired(base, new).differences == pytest.approx([log(6), 0.0])


def test_an_accuracy_that_is_not_finite_counts_as_none():
    found = paired(measured("baseline", ACCURACY, 0.5), measured("new", ACCURACY, NAN), ACCURACY)
    assert found.differences == pytest.approx([-0.5])
    assert (found.wins, found.losses, found.arm_mean) == (0, 1, None)


def test_a_slope_of_a_training_that_broke_off_is_still_the_one_that_it_had():
    broken = [run("new", 0, NAN, depth_slope=2.0, nonfinite_step=9)]
    found = paired(measured("baseline", "depth_slope", 1.0), broken, "depth_slope")
    assert found.differences == pytest.approx([1.0])
    assert paired(arm("baseline", [1.0]), [run("new", 0, 0.1, nonfinite_step=9)]).losses == 1


def test_a_target_is_never_reached_only_where_that_would_be_known():
    steps = "steps_to_target"
    before = measured("baseline", steps, 40)
    assert paired(before, arm("new", [0.5]), steps) is None
    broke = [run("new", 0, 0.5, nonfinite_step=9)]
    assert paired(before, broke, steps).differences == pytest.approx([log(3)])
    assert paired(before, measured("new", LOSS, 0.5), "final_validation_accuracy") is None
