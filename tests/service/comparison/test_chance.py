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


def one_by_one(n, m, error):
    """The levels of a single arm of m seeds against n, from the probability of every pair of counts."""
    pairs = [(x, y) for x in range(n + 1) for y in range(m + 1)]

    def tail(lower, bad):
        """P(share of the baseline - share of the arm >= lower), given how many seeds are bad in all."""
        ways = [comb(n, x) * comb(m, y) for x, y in pairs if x + y == bad and x / n - y / m > lower - 1e-9]
        return sum(ways) / comb(n + m, bad)

    found = {}
    for x, y in pairs:
        lower = x / n - y / m
        if abs(lower) > 1e-9:
            found[x, y] = tail(lower, x + y) if lower > 0 else tail(-lower, n + m - x - y)
    differences = {round(abs(x / n - y / m), 9) for x, y in found}
    candidates = sorted({0.0, *(round(tail(each, bad), 12) for each in differences for bad in range(n + m + 1))})
    shares = np.linspace(0, 1, 401)[1:-1]

    def errs(better, worse):
        counted = [(x, y) for (x, y), p in found.items() if p <= (better if x / n > y / m else worse) + 1e-9]
        each = [comb(n, x) * comb(m, y) * shares ** (x + y) * (1 - shares) ** (n + m - x - y) for x, y in counted]
        return float(np.max(np.sum(each, axis=0))) if each else 0.0

    worse = max(each for each in candidates if errs(each, each) <= error)
    better = max(each for each in candidates if errs(each, worse) <= error)
    return better, worse, errs(better, worse)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 3), (4, 3), (3, 5), (6, 6)])
@pytest.mark.parametrize("error", [0.02, 0.05, 0.2])
def test_the_levels_of_one_arm_are_the_largest_that_keep_the_error(n, m, error):
    assert levels((n, m), error) == pytest.approx(one_by_one(n, m, error), abs=1e-9)


def test_beyond_the_largest_table_each_side_has_half_of_the_error():
    assert levels((8,) * 33, 0.05) == (0.025, 0.025, 0.05)
    assert levels((16,) * 16, 0.05).better > 0.025  # 256 seeds


@pytest.mark.parametrize(
    ("seeds", "bad", "better", "worse"),
    [((3, 3), (3, 0), True, True), ((4, 4), (3, 1), False, False), ((4, 4), (2, 2), False, False)],
)
def test_a_difference_counts_on_either_side(seeds, bad, better, worse):
    assert Tally(seeds, bad).decides(0.05) is better
    assert Tally(seeds, bad[::-1]).decides(0.05) is worse
    assert Tally(seeds, bad).differs is (bad[0] != bad[1])


def test_all_against_none_is_all_of_the_baseline_and_none_of_the_arm():
    assert Tally((3, 3), (3, 0)).all_against_none(0.02)
    assert not Tally((3, 3), (3, 0)).all_against_none(0.015)  # it is one of 64
    assert not Tally((3, 3), (0, 3)).all_against_none(0.5)
    assert not Tally((5, 5), (5, 1)).all_against_none(0.5)


@pytest.mark.parametrize(
    ("seeds", "bad", "needed"),
    [
        ((5, 5), (5, 0), 6),
        ((2, 4), (2, 0), 5),
        ((4, 4), (1, 1), None),
        ((4, 4), (3, 0), 5),
        ((2, 2), (1, 0), 6),
        ((9, 9), (2, 0), 16),
    ],
)
def test_more_seeds_decide_where_the_shares_stay(seeds, bad, needed):
    assert Tally(seeds, bad).seeds_that_decide(0.05) == needed
    if needed is not None:
        fewer = range(max(seeds) + 1, needed)
        shares = [each / had for each, had in zip(bad, seeds, strict=True)]
        tried = [Tally((n, n), tuple(round(share * n) for share in shares)) for n in (*fewer, needed)]
        assert [each.decides(0.05) for each in tried] == [False] * len(fewer) + [True]


def test_an_arm_all_or_none_of_whose_seeds_are_bad_is_not_mixed():
    """Of 924 ways to give 6 marks to 12 seeds, 3 leave every arm pure and the baseline bad; with mixed arms 57 do."""
    assert Tally((3, 3, 3, 3), (3, 0, 3, 0)).all_against_none(0.02)
    assert not Tally((3, 3, 3, 3), (3, 0, 2, 1)).all_against_none(0.02)
