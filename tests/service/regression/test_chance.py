import numpy as np
import pytest

from gradclinic.comparison.chance import chances
from gradclinic.regression.chance import Befell


@pytest.mark.parametrize(("new", "of_new", "old", "of_old"), [(3, 4, 0, 4), (5, 5, 2, 7), (2, 6, 1, 5), (1, 3, 0, 9)])
def test_the_conditional_chance_is_that_of_the_comparison(new, of_new, old, of_old):
    expected = chances((of_new, of_old), new / of_new - old / of_old)[new + old]
    assert Befell(new, of_new, old, of_old).conditional_chance == pytest.approx(expected)


def test_it_is_the_share_of_shufflings_that_come_out_so_or_worse():
    rng = np.random.default_rng(0)
    marks = np.array([1] * 6 + [0] * 9)
    shuffled = rng.permuted(np.tile(marks, (20_000, 1)), axis=1)
    share = float(np.mean(shuffled[:, :7].sum(axis=1) >= 5))
    assert Befell(5, 7, 1, 8).conditional_chance == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("seeds", [3, 4, 5])
def test_all_of_a_few_seeds_against_none_are_beyond_chance_and_one_is_not(seeds):
    assert Befell(seeds, seeds, 0, seeds).beyond_chance(0.02)
    assert not Befell(1, seeds, 0, seeds).beyond_chance(0.02)


def test_two_against_none_could_be_chance_and_more_seeds_would_tell():
    befell = Befell(2, 2, 0, 2)
    assert not befell.beyond_chance(0.02)
    assert befell.seeds_needed(0.02) == 3


def test_what_befell_fewer_seeds_than_before_is_no_worse():
    befell = Befell(0, 5, 5, 5)
    assert not befell.beyond_chance(0.02)
    assert befell.seeds_needed(0.02) is None


def test_a_thousand_seeds_are_counted_exactly():
    assert Befell(530, 1000, 450, 1000).beyond_chance(0.001)
    assert not Befell(500, 1000, 490, 1000).beyond_chance(0.02)


def test_nothing_befalls_nobody():
    assert not Befell(0, 0, 0, 5).beyond_chance(0.02)


def test_sixteen_seeds_are_tested_at_the_largest_level_and_seventeen_by_the_conditional_chance():
    """9 of 16 against 3 of 16: the conditional chance is 3.3 %, and still the exact test errs in 3 % at most."""
    assert Befell(9, 16, 3, 16).conditional_chance > 0.03
    assert Befell(9, 16, 3, 16).beyond_chance(0.03)
    assert Befell(3, 3, 4, 17).conditional_chance > 0.03
    assert not Befell(3, 3, 4, 17).beyond_chance(0.03)
    exactly = Befell(3, 3, 4, 17).conditional_chance
    assert Befell(3, 3, 4, 17).beyond_chance(exactly)


@pytest.mark.parametrize(
    ("befell", "more"),
    [
        (Befell(2, 4, 1, 2), False),
        (Befell(3, 10, 1, 5), True),
        (Befell(1, 10, 1, 5), False),
        (Befell(0, 0, 0, 5), False),
        (Befell(1, 1, 0, 0), False),
    ],
)
def test_more_is_a_larger_fraction(befell, more):
    assert befell.more is more
    assert more or befell.seeds_needed(0.05) is None
