"""Counts of seeds and the exact tests beside the interval, by hand."""

import pytest

from gradclinic.comparison import METRICS
from gradclinic.comparison.chance import Tally
from gradclinic.comparison.exact_tests import Counts, ExactTests, count

from .runs import NAN, arm, run
from .test_paired import paired

LOSS = METRICS["final_validation_loss"]


def counts(seeds, not_finite=0, unlearned=0, harmed=0):
    return Counts(seeds=seeds, not_finite=not_finite, unlearned=unlearned, harmed=harmed)


def test_a_seed_counts_once_for_each_thing_that_befell_one_of_its_runs():
    runs = [*arm("new", [0.5, 0.5, 0.5]), run("new", 3, 2.0, "dead_units"), run("new", 4, NAN, "divergence")]
    assert count(runs, LOSS) == counts(5, not_finite=1, unlearned=2, harmed=2)


def test_runs_without_the_metric_do_not_count():
    assert count(arm("new", [0.5]), METRICS["final_validation_accuracy"]) == counts(0)


@pytest.mark.parametrize(("base", "mine", "tested"), [(16, 16, True), (17, 16, False), (16, 17, False), (0, 3, False)])
def test_up_to_sixteen_seeds_are_tested_exactly(base, mine, tested):
    found = ExactTests.of(counts(base), counts(mine), [], error=0.05)
    assert (found.harmed is not None) == tested == (len(found.tallies) == 2)


def test_arms_without_a_seed_are_left_out():
    found = ExactTests.of(counts(3), counts(3), [counts(0), counts(4)], error=0.05)
    assert found.harmed.seeds == (3, 3, 4)


def test_a_fifth_of_the_error_is_for_conditions_of_all_against_none():
    # All of n against none of n has the chance 4^-n: of 1 %, four seeds use up 1/256, and three would be 1/64.
    four = ExactTests.of(counts(4, harmed=4), counts(4), [], error=0.05)
    assert four.reserved == pytest.approx(4.0**-4)
    assert four.all_against_none()
    three = ExactTests.of(counts(3, harmed=3), counts(3), [], error=0.05)
    assert (three.reserved, three.all_against_none()) == (0.0, False)
    assert three.seeds_for_all_against_none() == 4
    assert ExactTests.of(counts(3, harmed=3), counts(3), [], error=0.1).all_against_none()


def test_beyond_sixteen_seeds_nothing_is_reserved_and_all_against_none_is_no_chance():
    found = ExactTests.of(counts(17), counts(17), [], error=0.05)
    assert (found.reserved, found.all_against_none(), found.seeds_for_all_against_none()) == (0.0, True, None)


def test_where_all_seeds_end_alike_the_interval_stands():
    exact = ExactTests.of(counts(3), counts(3), [], error=0.05)
    assert exact.bears_out(paired(arm("baseline", [1.0] * 3), arm("new", [0.5] * 3)))


def test_where_all_seeds_end_alike_or_are_too_many_to_enumerate_nothing_else_is_asked():
    alike = paired(arm("baseline", [1.0] * 3), arm("new", [1.0, 1.1, 0.9]))
    assert ExactTests.of(counts(3), counts(3), [], error=0.05).bears_out(alike)
    unlike = paired(arm("baseline", [1.0] * 17), arm("new", [*[1.0] * 16, 2.0]))
    assert ExactTests.of(counts(17), counts(17), [], error=0.05).bears_out(unlike)


@pytest.mark.parametrize(("first", "borne_out"), [(1.0, False), (1.01, True)])
def test_seeds_that_ended_alike_must_exclude_zero(first, borne_out):
    """They all changed by the same factor, so that their interval has no width."""
    exact = ExactTests.of(counts(4, unlearned=1), counts(4), [], error=0.05)
    worse = paired(arm("baseline", [1.0] * 4), arm("new", [*[first] * 3, 2.0]))
    better = paired(arm("baseline", [*[first] * 3, 2.0]), arm("new", [1.0] * 4))
    assert (worse.gain > 0, better.gain < 0) == (True, True)
    assert exact.bears_out(worse) is exact.bears_out(better) is borne_out


def test_seeds_that_ended_alike_bear_it_out_on_the_side_of_the_whole():
    exact = ExactTests.of(counts(4, unlearned=1), counts(4), [], error=0.05)
    better = paired(arm("baseline", [1.0, 1.0, 1.0, 1.2]), arm("new", [0.5, 0.51, 0.52, 0.5]))
    worse = paired(arm("baseline", [0.5, 0.5, 0.5, 0.5]), arm("new", [1.0, 1.01, 1.02, 1.2]))
    assert exact.bears_out(better)
    assert exact.bears_out(worse)


def test_seeds_that_ended_alike_do_not_where_they_say_nothing():
    exact = ExactTests.of(counts(4, unlearned=1), counts(4), [], error=0.05)
    other = paired(arm("baseline", [1.0, 0.9, 1.1, 2.0]), arm("new", [0.9, 1.0, 1.1, 0.1]))
    assert other.gain < 0
    assert not exact.bears_out(other)


def test_the_fewest_seeds_of_the_endings_that_differ_are_named():
    exact = ExactTests.of(counts(2, unlearned=2, not_finite=1), counts(2), [], error=0.05)
    each = [Tally((2, 2), bad).seeds_that_decide(0.05) for bad in ((1, 0), (2, 0))]
    assert exact.seeds_that_decide() == min(each)
    assert each[0] != each[1]
    assert ExactTests.of(counts(2), counts(2), [], error=0.05).seeds_that_decide() is None
