"""Verdicts on one arm from its pairs, and the sentences that give the reason."""

from dataclasses import replace

import pytest

from gradclinic.comparison import METRICS
from gradclinic.comparison.exact_tests import ExactTests, count
from gradclinic.comparison.paired import PairedDifference
from gradclinic.comparison.verdicts import judge

from .runs import NAN, arm, run
from .test_paired import paired

LOSS = METRICS["final_validation_loss"]


def judged(baseline, new):
    exact = ExactTests.of(count(baseline, LOSS), count(new, LOSS), [], error=0.05)
    return judge(paired(baseline, new, reserved=exact.reserved), exact, baseline=baseline, arm=new)


def test_of_a_single_seed_no_interval_is_told():
    found = judged(arm("baseline", [1.0]), arm("new", [0.5]))
    assert (found.verdict, found.seeds_needed) == ("inconclusive", 3)
    assert found.reason.startswith("A single seed says nothing about chance: ")
    assert found.reason.endswith("validation loss is 0.5 times the baseline's in it.")


@pytest.mark.parametrize(("factor", "verdict"), [(0.5, "improves"), (2.0, "harms"), (1.04, "no_effect")])
def test_a_healthy_baseline_is_bettered_or_harmed_by_the_same_factor_in_each_seed(factor, verdict):
    losses = [0.3, 0.4, 0.5, 0.35]
    assert judged(arm("baseline", losses), arm("new", [factor * loss for loss in losses])).verdict == verdict


def test_where_an_outcome_is_not_finite_seeds_are_told_and_no_interval():
    found = judged(arm("baseline", [0.5] * 5), arm("new", [NAN] * 5))
    assert found.verdict == "harms"
    assert "of 5 pairs the arm won 0 and lost 5 (over 5 seeds)" in found.reason


def test_an_improvement_with_harm_left_says_in_how_many_runs():
    new = [*arm("new", [0.3, 0.31, 0.32, 0.3]), run("new", 4, 0.31, "vanishing_gradients")]
    found = judged(arm("baseline", [1.0] * 5, "vanishing_gradients"), new)
    assert found.verdict == "improves"
    assert found.reason.endswith(" There is still harm in 1 of 5 runs: vanishing gradients.")


def test_an_improvement_without_learning_says_in_how_many_runs():
    found = judged(arm("baseline", [2.3] * 5, "vanishing_gradients"), arm("new", [1.5, 1.51, 1.52, 1.5, 1.0]))
    assert found.verdict == "improves"
    assert found.reason.endswith(" No finding is left, but 4 of 5 runs have not learned.")


def measured(baseline, new, *, interval, gain=0.0):
    """Their difference, if its interval and mean were these, with positive meaning worse."""
    known = type("Known", (PairedDifference,), {"gain_interval": interval, "gain": gain})
    return known(**vars(paired(baseline, new)))


SLIGHT = LOSS.negligible


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.0, 0.2), "inconclusive"),
        ((0.01, 0.2), "harms"),
        ((-0.2, 0.0), "inconclusive"),
        ((-0.2, -0.01), "improves"),
        ((-SLIGHT, SLIGHT), "no_effect"),
        ((-SLIGHT, 1.01 * SLIGHT), "inconclusive"),
        ((-1.01 * SLIGHT, SLIGHT), "inconclusive"),
    ],
)
def test_an_interval_that_ends_at_zero_does_not_exclude_it_and_one_that_ends_at_the_margin_is_within(interval, verdict):
    baseline, new = arm("baseline", [0.4] * 4), arm("new", [0.4] * 4)
    exact = ExactTests.of(count(baseline, LOSS), count(new, LOSS), [], error=0.05)
    found = judge(measured(baseline, new, interval=interval), exact, baseline=baseline, arm=new)
    assert found.verdict == verdict
    assert ("does not exclude chance" in found.reason) is (verdict == "inconclusive")


@pytest.mark.parametrize(
    ("interval", "gain", "verdict"),
    [
        ((0.0, 0.2), 0.0, "cures"),
        ((0.01, 0.2), 0.02, "harms"),
        ((-0.1, 0.2), SLIGHT, "cures"),
        ((-0.1, 0.2), 1.01 * SLIGHT, "inconclusive"),
    ],
)
def test_a_cure_may_be_worse_by_the_tolerance_and_its_interval_may_begin_at_zero(interval, gain, verdict):
    """A baseline whose seeds do not scatter allows what is negligible."""
    baseline, new = arm("baseline", [0.4] * 5, "oscillating_loss"), arm("new", [0.4] * 5)
    exact = ExactTests.of(count(baseline, LOSS), count(new, LOSS), [], error=0.05)
    known = measured(baseline, new, interval=interval, gain=gain)
    assert judge(known, exact, baseline=baseline, arm=new).verdict == verdict


def judgement(baseline, new, *, error=0.05, metric="final_validation_loss"):
    """With both sides' seeds tested exactly."""
    exact = ExactTests.of(count(baseline, METRICS[metric]), count(new, METRICS[metric]), [], error=error)
    return judge(paired(baseline, new, metric, reserved=exact.reserved), exact, baseline=baseline, arm=new)


def test_an_arm_without_a_pair_is_open():
    exact = ExactTests.of(count([], LOSS), count([], LOSS), [], error=0.05)
    found = judge(None, exact, baseline=[], arm=[])
    assert (found.verdict, found.seeds_needed) == ("inconclusive", 3)


@pytest.mark.parametrize(("factors", "verdict"), [((1.04, 1.0, 1.01, 1.02), "no_effect"), ((1.2,) * 4, "harms")])
def test_what_lies_within_five_percent_as_a_whole_is_no_difference(factors, verdict):
    losses = [0.3, 0.4, 0.5, 0.35]
    new = [factor * loss for factor, loss in zip(factors, losses, strict=True)]
    found = judged(arm("baseline", losses), arm("new", new))
    assert (found.verdict, found.seeds_needed) == (verdict, None)


def test_a_difference_is_told_with_its_interval_and_how_many_seeds_it_is_from():
    found = judged(arm("baseline", [0.4] * 4), arm("new", [0.2] * 4))
    assert "is 0.5 times the baseline's (95 % interval 0.5 to 0.5, 4 seeds)" in found.reason
    same = judged(arm("baseline", [0.4] * 4), arm("new", [0.4] * 4))
    assert "is 1 times the baseline's (95 % interval 1 to 1, 4 seeds)" in same.reason


def test_an_accuracy_is_told_by_its_change():
    known = {"metric": "final_validation_accuracy"}
    before = [run("baseline", seed, 0.5, final_validation_accuracy=0.5) for seed in range(4)]
    after = [run("new", seed, 0.5, final_validation_accuracy=0.75) for seed in range(4)]
    found = judgement(before, after, **known)
    assert found.verdict == "improves"
    assert "accuracy changed by +0.25 (95 % interval 0.25 to 0.25, 4 seeds)" in found.reason
    assert judgement(after, before, **known).verdict == "harms"


def test_arms_that_end_alike_are_said_to_fare_alike():
    found = judged(arm("baseline", [NAN] * 4), arm("new", [NAN] * 4))
    assert found.verdict == "no_effect"
    assert "of 4 pairs the arm won 0 and lost 0" in found.reason
    assert "interval" not in found.reason


# --- cures: conditions that are gone, with a metric that is no worse ------------------------------------------------

RESTLESS = arm("baseline", [0.30, 0.33, 0.36, 0.32, 0.34], "oscillating_loss")
"""Its logarithms have a deviation of .068, so that an arm may be worse by .954 x .068 = .065, a factor of 1.067."""


def beside(factor, scatter=(0.9, 1.1, 0.95, 1.05, 1.0), **more):
    losses = (0.30, 0.33, 0.36, 0.32, 0.34)
    return arm("new", [factor * by * loss for loss, by in zip(losses, scatter, strict=True)], **more)


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "cures"), (1.06, "cures"), (1.075, "inconclusive")])
def test_an_arm_without_the_conditions_may_be_worse_by_less_than_a_deviation_of_the_baseline(factor, verdict):
    found = judged(RESTLESS, beside(factor))
    assert found.verdict == verdict


def test_a_baseline_that_diverges_in_a_seed_has_no_deviation_that_an_arm_may_be_worse_by():
    diverged = [*RESTLESS, run("baseline", 5, NAN, "oscillating_loss")]
    assert judged(diverged, beside(1.06)).verdict == "inconclusive"


def test_a_cure_whose_metric_is_no_worse_says_so():
    found = judged(RESTLESS, beside(1.0))
    assert found.reason.startswith("Oscillating loss harmed 5 of 5 runs of the baseline and none of 5 here")
    assert "the validation loss is no worse" in found.reason


def test_a_cure_by_the_metric_tells_its_difference():
    found = judged(arm("baseline", [2.3] * 5, "vanishing_gradients"), arm("new", [0.23] * 5))
    assert found.verdict == "cures"
    assert found.reason.startswith("Vanishing gradients harmed 5 of 5 runs of the baseline and none of 5 here")
    assert "is 0.1 times the baseline's (95 % interval 0.1 to 0.1, 5 seeds)" in found.reason


def test_a_condition_that_harmed_only_some_seeds_may_leave_by_chance():
    some = [*RESTLESS[:4], run("baseline", 4, 0.34)]
    found = judged(some, beside(1.0))
    assert (found.verdict, "that can be chance" in found.reason) == ("inconclusive", False)


def test_four_seeds_of_all_against_none_are_enough_and_three_are_told_how_many_are():
    assert judged(RESTLESS[:4], beside(1.0)[:4]).verdict == "cures"
    three = judged(RESTLESS[:3], beside(1.0)[:3])
    assert (three.verdict, three.seeds_needed) == ("inconclusive", 4)
    assert three.reason.startswith("Oscillating loss ")
    assert "that can be chance: the validation loss is" in three.reason
    assert three.reason.endswith("; about 4 seeds would decide.")


def test_an_arm_that_shows_the_condition_without_harm_or_was_not_judged_is_told_apart():
    assert judged(RESTLESS, beside(1.0, condition="oscillating_loss", harmful=False)).verdict == "cures"
    unknown = judged(RESTLESS, beside(1.0, condition="insufficient_evidence"))
    assert unknown.verdict == "inconclusive"


def test_an_arm_that_is_surely_worse_is_no_cure_however_little():
    worse = judged(RESTLESS, beside(1.06, scatter=(1.0, 1.001, 0.999, 1.0, 1.0)))
    assert worse.verdict == "harms"


def test_two_seeds_that_differ_by_how_they_ended_may_do_so_by_chance_and_more_would_tell():
    found = judged(arm("baseline", [NAN, NAN]), arm("new", [0.5, 0.5]))
    assert (found.verdict, found.seeds_needed) == ("inconclusive", 3)
    assert found.reason.endswith("by chance; about 3 seeds would decide.")


def test_where_seeds_end_alike_on_both_sides_the_interval_counts_by_itself_from_17_seeds_on():
    at_each_rate = [(0.1, True), (1.0, False)]  # of each seed, one run learned: in the baseline with a higher loss

    def swept(name, losses):
        return [
            replace(run(name, seed, loss if learned else 2.3), sweep_point=(("/optimizer/learning_rate", rate),))
            for seed, loss in enumerate(losses)
            for rate, learned in at_each_rate
        ]

    found = judged(swept("baseline", [1.1, 1.11]), swept("new", [0.2, 0.2]))
    assert (found.verdict, found.seeds_needed) in [("improves", None), ("inconclusive", 17)]


def test_where_no_practical_number_of_seeds_decides_it_is_said():
    found = judged(arm("baseline", [0.5, 0.5, 0.5, 0.5]), arm("new", [1.0, 0.25, 1.0, 0.27]))
    assert found.verdict == "inconclusive"
    assert found.seeds_needed is None or found.seeds_needed > 100
    assert "which does not exclude chance" in found.reason
