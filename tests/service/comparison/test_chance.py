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


def test_a_single_seed_of_either_arm_is_all_bad_or_none_half_of_the_time():
    assert chances_of_extremes((1, 1))[0].tolist() == [0.0, 0.5, 0.0]
