"""One metric against its margin, by hand."""

from math import log

import numpy as np
import pytest

from gradclinic.comparison import METRICS
from gradclinic.comparison.intervals import seeds_that_decide
from gradclinic.regression.chance import Befell
from gradclinic.regression.metrics import metric_check

from ..comparison.runs import NAN, arm, run


def checked(baseline, new, *, metric="final_validation_loss", margin=0.1, metrics=1):
    return metric_check(
        METRICS[metric],
        margin=margin,
        baseline={each.pair: each for each in baseline},
        new={each.pair: each for each in new},
        metrics=metrics,
        error=0.05,
        reserved=0.02,
    )


def accuracies(name, values):
    return [run(name, seed, 0.5, final_validation_accuracy=value) for seed, value in enumerate(values)]


def accuracy(baseline, new, **more):
    return checked(
        accuracies("baseline", baseline),
        accuracies("new", new),
        metric="final_validation_accuracy",
        margin=0.02,
        **more,
    )


# A loss of 1.15 is half the constant predictor's 2.3: beyond it, a network has not learned.
LEARNED = arm("baseline", [1.0] * 3)


def test_two_of_three_networks_that_did_not_learn_may_be_chance_though_the_interval_is_beyond_the_margin():
    found = checked(LEARNED, arm("new", [1.2, 1.2, 1.14]))
    assert found.effect.ratio_interval[0] > 1.1
    assert found.verdict == "inconclusive"
    assert found.reason.endswith("; 1.1 times is allowed; with this few seeds, this can be chance.")
    assert found.seeds_needed == Befell(2, 3, 0, 3).seeds_needed(0.03) is not None


def test_three_of_three_networks_that_did_not_learn_are_no_chance():
    assert checked(LEARNED, arm("new", [1.2, 1.2, 1.21])).verdict == "fail"


def test_seeds_that_ended_alike_can_be_beyond_the_margin_by_themselves():
    found = checked(arm("baseline", [1.0] * 4), arm("new", [1.14, 1.14, 1.15, 1.2]))
    assert (found.verdict, found.seeds_needed) == ("fail", None)


def test_a_number_that_the_baseline_lacks_too_keeps_nothing_from_passing():
    assert accuracy([0.9, 0.9, 0.9, None], [0.9, 0.9, 0.9, None]).verdict == "pass"
    assert accuracy([0.9, 0.9, 0.9, None], [0.9, 0.9, 0.9, 0.8]).verdict == "pass"


def test_a_number_that_only_the_new_run_lacks_does_and_more_seeds_would_not_help():
    found = accuracy([0.9, 0.91, 0.92, 0.9], [0.9, 0.91, 0.92, None])
    assert (found.verdict, found.seeds_needed) == ("inconclusive", None)
    assert found.reason == (
        "Validation accuracy changed by +0 (interval +0 to +0) over 3 seeds; a fall of 0.02 is allowed;"
        " 1 of the new runs have none."
    )


def test_a_straddling_fall_says_how_many_seeds_would_decide():
    before, after = np.array([0.9, 0.9, 0.9, 0.9]), np.array([0.9, 0.84, 0.88, 0.8])
    found = accuracy(before.tolist(), after.tolist(), metrics=2)
    beyond = (before - after) - 0.02
    assert found.verdict == "inconclusive"
    assert found.seeds_needed == seeds_that_decide(beyond, negligible=0.0, confidence=0.94, comparisons=2, now=4)
    assert found.reason.endswith("a fall of 0.02 is allowed; this is inconclusive.")


def test_a_loss_a_twentieth_larger_is_told_as_a_ratio_with_its_interval():
    found = checked(arm("baseline", [0.5, 0.4, 0.6]), arm("new", [0.525, 0.42, 0.63]))
    assert found.reason == (
        "Validation loss is 1.05 times the baseline's (interval 1.05 to 1.05) over 3 seeds; 1.1 times is allowed."
    )
    assert (found.verdict, found.margin, found.limit, found.better) == ("pass", 0.1, 1.1, "lower")


@pytest.mark.parametrize(("seeds", "says"), [(1, "a single seed is"), (2, "2 seeds are")])
def test_fewer_than_three_seeds_say_too_little(seeds, says):
    found = checked(arm("baseline", [0.5] * seeds), arm("new", [0.5] * seeds))
    assert found.reason.endswith(f"; {says} too few to exclude chance.")
    assert (found.verdict, found.seeds_needed) == ("inconclusive", 3)


def test_a_metric_that_no_pair_has_decides_nothing_and_asks_for_three_seeds():
    found = checked(LEARNED, arm("new", [1.0] * 3), metric="final_validation_accuracy", margin=0.02)
    assert (found.verdict, found.seeds_needed, found.effect) == ("inconclusive", 3, None)
    assert found.reason == "Validation accuracy: no pair of runs has this metric."
    assert (found.better, found.limit) == ("higher", -0.02)


def test_where_numbers_are_not_finite_pairs_are_counted():
    found = checked(arm("baseline", [0.5] * 4), arm("new", [NAN, NAN, NAN, 0.5]))
    assert "is not finite in some runs, and worse in 3 of 4 pairs; 1.1 times is allowed" in found.reason
    assert found.effect.confidence == 0.94


def test_each_of_two_metrics_has_half_of_the_error():
    # One-sided bounds at 3 % and at 1.5 %: Student's quantiles of two degrees of freedom are 3.896 and 5.643.
    before, after = [0.9, 0.9, 0.9], [0.8, 0.79, 0.81]
    one, two = accuracy(before, after), accuracy(before, after, metrics=2)
    deviation = 0.01 / 3**0.5
    assert one.effect.interval == pytest.approx((-0.1 - 3.896 * deviation, -0.1 + 3.896 * deviation), abs=1e-5)
    assert two.effect.interval == pytest.approx((-0.1 - 5.643 * deviation, -0.1 + 5.643 * deviation), abs=1e-5)


def test_endings_are_tested_with_the_error_of_one_metric_without_what_is_reserved():
    """Three of four against none is no chance where 4 % may be wrong, and may be one where 3 % may."""
    new = arm("new", [1.2, 1.2, 1.21, 1.14])
    assert Befell(3, 4, 0, 4).beyond_chance(0.04)
    assert not Befell(3, 4, 0, 4).beyond_chance(0.03)
    assert checked(arm("baseline", [1.0] * 4), new).verdict == "inconclusive"
    # Three of three are one of 64: less than 3 %, and more than the half that each of two metrics has.
    assert checked(LEARNED, arm("new", [1.2, 1.2, 1.21])).verdict == "fail"
    assert checked(LEARNED, arm("new", [1.2, 1.2, 1.21]), metrics=2).verdict == "inconclusive"


def test_a_loss_beyond_its_margin_by_itself_fails_and_one_at_it_passes():
    assert checked(arm("baseline", [0.5] * 3), arm("new", [0.5] * 3), margin=0.0).verdict == "pass"
    found = checked(arm("baseline", [0.5] * 3), arm("new", [0.6] * 3))
    assert (found.verdict, found.seeds_needed) == ("fail", None)
    assert found.reason.endswith("over 3 seeds; 1.1 times is allowed.")


def test_each_pair_is_shown_with_both_runs_in_the_order_of_the_seeds():
    found = checked(arm("baseline", [0.5, 0.4, 0.3]), list(reversed(arm("new", [0.6, 0.5, 0.4]))))
    assert [(each.seed, each.baseline, each.new) for each in found.values] == [
        (0, 0.5, 0.6),
        (1, 0.4, 0.5),
        (2, 0.3, 0.4),
    ]
    assert (found.values[0].baseline_run, found.values[0].new_run) == ("run_baseline_0", "run_new_0")


LIMIT = float(np.log1p(0.1))


@pytest.mark.parametrize(("low", "verdict"), [(LIMIT, "inconclusive"), (1.01 * LIMIT, "fail")])
def test_an_interval_that_begins_at_the_margin_is_not_beyond_it(monkeypatch, low, verdict):
    monkeypatch.setattr("gradclinic.comparison.paired.paired_interval", lambda *_, **__: (low, 0.5))
    found = checked(arm("baseline", [1.0, 1.0, 0.9]), arm("new", [1.1, 1.1, 1.1]))
    assert found.verdict == verdict
    if verdict == "inconclusive":
        assert found.seeds_needed is not None
        assert found.reason.endswith("1.1 times is allowed; this is inconclusive.")


@pytest.mark.parametrize(("low", "verdict"), [(LIMIT, "inconclusive"), (1.01 * LIMIT, "fail")])
def test_seeds_that_ended_alike_are_not_beyond_a_margin_at_which_they_begin(monkeypatch, low, verdict):
    """Three of four ended alike."""
    monkeypatch.setattr(
        "gradclinic.comparison.paired.paired_interval",
        lambda differences, **_: (low if len(differences) == 3 else log(2), log(3)),
    )
    assert checked(arm("baseline", [1.0] * 4), arm("new", [1.14, 1.14, 1.14, 1.2])).verdict == verdict


@pytest.mark.parametrize(("seeds", "verdict"), [(16, "inconclusive"), (17, "fail")])
def test_up_to_sixteen_seeds_an_end_that_differs_must_be_no_chance(seeds, verdict):
    """Four networks did not learn; the others are within their margin."""
    new = arm("new", [*[1.09] * (seeds - 4), *[6.9] * 4])
    assert checked(arm("baseline", [1.0] * seeds), new).verdict == verdict
