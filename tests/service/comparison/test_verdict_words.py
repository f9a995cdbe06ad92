"""Verdicts on one arm from its pairs, and the sentences that give the reason."""

import pytest

from gradclinic.comparison import METRICS
from gradclinic.comparison.exact_tests import ExactTests, count
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
    assert (
        found.reason
        == "A single seed says nothing about chance: the validation loss is 0.5 times the baseline's in it."
    )


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
