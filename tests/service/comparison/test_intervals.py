import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gradclinic.comparison.intervals import paired_interval, seeds_that_decide, sign_flip_p


def test_one_comparison_is_the_ordinary_paired_t_interval():
    differences = np.array([-0.3, -0.1, -0.25, 0.05, -0.2])
    expected = stats.t.interval(0.95, 4, loc=differences.mean(), scale=stats.sem(differences))
    assert paired_interval(differences, confidence=0.95, comparisons=1) == pytest.approx(expected)


def test_seven_comparisons_share_the_error():
    differences = np.array([-0.3, -0.1, -0.25, 0.05, -0.2])
    expected = stats.t.interval(1 - 0.05 / 7, 4, loc=differences.mean(), scale=stats.sem(differences))
    assert paired_interval(differences, confidence=0.95, comparisons=7) == pytest.approx(expected)


def test_equal_differences_have_an_interval_of_no_width():
    assert paired_interval(np.zeros(3), confidence=0.95, comparisons=2) == (0, 0)


def test_a_single_difference_has_no_interval():
    assert paired_interval(np.array([-1.0]), confidence=0.95, comparisons=1) is None


def test_five_seeds_cannot_reach_below_one_sixteenth():
    assert sign_flip_p(np.array([-1.0, -2.0, -1.5, -0.5, -3.0])) == 0.0625


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=2, max_size=8))
def test_the_sign_flip_p_is_scipys_exact_permutation_p(values):
    differences = np.array([round(value, 3) for value in values])
    expected = stats.permutation_test(
        (differences,), lambda x, axis: np.abs(x.sum(axis=axis)), permutation_type="samples", alternative="greater"
    ).pvalue
    assert sign_flip_p(differences) == pytest.approx(expected, abs=1e-12)


def test_many_seeds_draw_their_patterns_and_agree_with_the_normal_limit():
    differences = np.random.default_rng(1).normal(0.3, 1.0, 60)
    z = differences.sum() / math.sqrt((differences**2).sum())
    assert sign_flip_p(differences) == pytest.approx(2 * stats.norm.sf(abs(z)), abs=0.01)


def test_the_named_number_of_seeds_decides_four_times_of_five():
    rng = np.random.default_rng(0)
    pilot = rng.normal(size=6)
    pilot = -0.5 + (pilot - pilot.mean()) / pilot.std(ddof=1)
    needed = seeds_that_decide(pilot, negligible=0.05, confidence=0.95, comparisons=1, now=6)
    intervals = [paired_interval(rng.normal(-0.5, 1.0, needed), confidence=0.95, comparisons=1) for _ in range(2000)]
    assert np.mean([high < 0 for _, high in intervals]) == pytest.approx(0.8, abs=0.04)


def test_no_number_of_seeds_decides_a_tiny_effect_in_huge_scatter():
    differences = np.array([1.0, -1.0, 1.0, -1.0, 0.001])
    assert seeds_that_decide(differences, negligible=0.0, confidence=0.95, comparisons=1, now=5) is None


def fewest(differences, *, negligible, confidence, comparisons, now):
    """One size after the other, until the interval is narrow enough with power .8."""
    mean, deviation = abs(np.mean(differences)), np.std(differences, ddof=1)
    for n in range(max(2, now + 1), 1001):
        quantiles = stats.t.ppf(1 - (1 - confidence) / 2 / comparisons, n - 1) + stats.t.ppf(0.8, n - 1)
        if quantiles * deviation / n**0.5 <= max(mean, negligible - mean):
            return n
    return None


@pytest.mark.parametrize(
    ("differences", "negligible", "confidence", "comparisons", "now"),
    [
        ([-0.3, 0.1, -0.25, 0.05, -0.2], 0.0, 0.95, 1, 5),
        ([-0.3, 0.1, -0.25, 0.05, -0.2], 0.0, 0.95, 7, 5),
        ([-0.3, 0.1, -0.25, 0.05, -0.2], 0.0, 0.8, 1, 5),
        ([0.3, -0.3, 0.25, -0.25], 0.2, 0.95, 2, 4),
        ([1.0, 1.1], 0.0, 0.95, 1, 2),
        ([1.0, 1.1], 0.0, 0.95, 1, 0),
        ([1.0, 1.0], 0.0, 0.95, 1, 7),
        ([0.0, 0.0], 0.0, 0.95, 1, 2),
        ([0.1, -0.9, 1.1, 0.1], 0.0, 0.95, 1, 4),
        ([0.658, 1.342], 0.0, 0.95, 1, 2),
    ],
)
def test_the_fewest_seeds_are_those_that_a_search_one_by_one_finds(
    differences, negligible, confidence, comparisons, now
):
    known = {"negligible": negligible, "confidence": confidence, "comparisons": comparisons, "now": now}
    assert seeds_that_decide(np.array(differences), **known) == fewest(differences, **known)


def test_a_thousand_seeds_are_practical_and_one_more_is_not():
    # Both quantiles of 999 degrees of freedom add up to 2.8044: a thousand seeds show d = 2.8044 / sqrt(1000).
    pair = np.array([-1.0, 1.0]) / 2**0.5
    asked = {"negligible": 0.0, "confidence": 0.95, "comparisons": 1, "now": 2}
    effect = float(stats.t.ppf(0.975, 999) + stats.t.ppf(0.8, 999)) / 1000**0.5
    assert seeds_that_decide(pair + effect * 1.0001, **asked) == 1000
    assert seeds_that_decide(pair + effect * 0.9999, **asked) is None


def test_without_differences_there_is_no_p():
    assert sign_flip_p(np.array([])) is None


def test_sixteen_differences_are_enumerated_and_seventeen_are_drawn():
    assert sign_flip_p(np.ones(16)) == 2 / 2**16
    assert sign_flip_p(np.ones(17)) >= 1 / 20_001 > 2 / 2**17
    assert sign_flip_p(np.ones(60)) == pytest.approx(1 / 20_001, abs=1e-9)
    assert sign_flip_p(np.zeros(17)) == 1.0
