from itertools import product
from math import comb

import numpy as np
import pytest

from gradclinic.comparison.chance import Tally, chances, chances_of_extremes, levels, levels_of_extremes


def test_one_arm_is_fishers_exact_table():
    assert chances((3, 3), 1.0)[3] == pytest.approx(1 / comb(6, 3))
    assert chances((5, 5), 0.6)[5] == pytest.approx((1 + 5 * 5) / comb(10, 5))


def test_the_chance_of_the_extreme_table_is_a_quarter_to_the_number_of_seeds():
    assert levels_of_extremes((3, 3), 0.05).error == pytest.approx(4**-3)
    assert levels_of_extremes((5, 5), 0.01).error == pytest.approx(4**-5)
    assert levels_of_extremes((2, 2), 0.05).error == 0


def test_all_against_none_is_the_less_chance_the_fewer_arms_are_mixed():
    by_mixed = chances_of_extremes((3, 3, 3, 3))
    assert by_mixed[-1] == pytest.approx(chances((3, 3, 3, 3), 1.0))
    assert by_mixed[0][6] == pytest.approx(3 / comb(12, 6))
    assert (np.diff(by_mixed, axis=0) >= 0).all()


def test_two_seeds_of_one_arm_can_decide_nothing_and_three_can():
    assert not Tally((2, 2), (2, 0)).decides(0.05)
    assert Tally((3, 3), (3, 0)).decides(0.05)
    assert Tally((3, 3), (0, 3)).decides(0.05)
    assert not Tally((3, 3), (3, 1)).decides(0.05)
    assert Tally((2, 2), (2, 0)).seeds_that_decide(0.05) == 3


def test_a_table_too_large_to_enumerate_still_decides_what_is_plain():
    assert Tally((8,) * 40, (8, 0, *[8] * 38)).decides(0.05)
    assert not Tally((8,) * 40, (5, 4, *[4] * 38)).decides(0.05)


@pytest.mark.parametrize(
    "seeds", [(2, 2), (3, 3), (5, 5), (8, 8), (2, 2, 2, 2), (3, 3, 3), (3, 3, 3, 3), (4, 4, 4), (5, 4, 3)]
)
def test_equal_arms_differ_by_no_more_than_the_error_whatever_their_share(seeds):
    """Exactly, over every outcome that there is."""
    decided = [
        bad
        for bad in product(*(range(size + 1) for size in seeds))
        if any(
            Tally((seeds[0], seeds[arm], *_without(seeds, arm)), (bad[0], bad[arm], *_without(bad, arm))).decides(0.05)
            for arm in range(1, len(seeds))
        )
    ]
    ways = np.array([np.prod([comb(size, bad) for size, bad in zip(seeds, each, strict=True)]) for each in decided])
    marks, total = np.array([sum(each) for each in decided]), sum(seeds)
    errors = [float((ways * p**marks * (1 - p) ** (total - marks)).sum()) for p in np.linspace(0.01, 0.99, 99)]
    assert max(errors, default=0.0) <= 0.05 + 1e-9
    assert max(errors, default=0.0) <= levels(seeds, 0.05).error + 1e-6


def _without(values, arm):
    return [value for index, value in enumerate(values) if index not in (0, arm)]


@pytest.mark.parametrize("seeds", [(2, 3), (2, 3, 1), (1, 2, 2), (3, 2, 4)])
def test_the_chances_of_extremes_are_those_of_all_ways_to_give_the_marks(seeds):
    ways, hits = np.zeros(sum(seeds) + 1), np.zeros((len(seeds), sum(seeds) + 1))
    for marks in product((0, 1), repeat=sum(seeds)):
        base, *arms = (sum(part) for part in np.split(np.array(marks), np.cumsum(seeds)[:-1]))
        mixed = sum(0 < arm < size for arm, size in zip(arms, seeds[1:], strict=True))
        ways[sum(marks)] += 1
        hits[mixed, sum(marks)] += base == seeds[0] and 0 in arms
    assert chances_of_extremes(seeds) == pytest.approx(np.cumsum(hits, axis=0) / ways)
