"""Intervals of a share and of a median, and how sure a slope is, by hand."""

from math import inf, isnan, nan

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from gradclinic.diagnosis.confidence import (
    above,
    agreement,
    median_interval,
    median_of,
    share_above,
    slope_beyond,
    wilson,
)
from gradclinic.diagnosis.features import extract

from .records import healthy_record, with_slope


def test_records_that_all_agree_leave_the_doubt_of_laplaces_rule():
    assert agreement([]) == 0.5
    assert agreement([1.0] * 8) == 0.9
    assert agreement([1.0, 0.0, nan, 0.5]) == 0.5
    assert share_above([0.4, 0.5, nan], 0.5) == 0.5


def test_a_value_without_an_error_is_above_its_threshold_or_not():
    assert above(1.5, 1.5, error=0.0) == 1.0
    assert above(1.4, 1.5, error=0.0) == 0.0
    assert above(inf, 1.5, error=0.3) == 1.0
    assert above(1.8, 1.5, error=0.3) == pytest.approx(0.8413, abs=1e-4)
    assert isnan(above(nan, 1.5, error=0.0))


def test_a_median_between_two_values_that_have_no_mean_is_the_lower_one():
    assert median_of([3.0, 1.0, 2.0, 8.0]) == 2.5
    assert median_of([1.0, inf]) == 1.0
    assert median_of([-inf, inf, inf, 1.0]) == 1.0


@pytest.mark.parametrize("n", [1, 3, 5, 6, 7, 10])
def test_a_median_is_the_middle_value_or_the_mean_of_the_two_in_the_middle(n):
    values = [float((7 * k) % 11) ** 2 for k in range(n)]
    assert median_of(values) == np.median(values)


@pytest.mark.parametrize(("hits", "total"), [(0, 5), (2, 5), (5, 5), (7, 20)])
def test_the_interval_of_a_share_is_wilsons(hits, total):
    oracle = binomtest(hits, total).proportion_ci(method="wilson")
    assert wilson(hits, total) == pytest.approx((oracle.low, oracle.high), abs=1e-6)


def test_without_trials_a_share_may_be_anything():
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("n", "inside", "confidence"),
    [(2, 1, 0.5), (5, 1, 0.9375), (6, 1, 0.96875), (8, 1, 0.9921875), (9, 2, 0.9609375), (20, 6, 0.958611)],
)
def test_the_interval_of_a_median_lies_as_many_values_in_as_the_binomial_allows(n, inside, confidence):
    low, high, reached = median_interval([float(value) for value in range(n, 0, -1)])
    assert (low, high) == (inside, n + 1 - inside)
    assert reached == pytest.approx(confidence, abs=1e-6)


@pytest.mark.parametrize("n", [7, 10, 17, 33, 100])
def test_the_interval_of_a_median_is_the_narrowest_that_is_sure_enough(n):
    inside = max(k for k in range(1, n) if 1 - 2 * binom.cdf(k - 1, n, 0.5) >= 0.95)
    low, high, reached = median_interval(list(range(1, n + 1)))
    assert (low, high) == (inside, n + 1 - inside)
    assert reached == pytest.approx(1 - 2 * binom.cdf(inside - 1, n, 0.5))


def test_an_interval_that_is_exactly_as_sure_as_asked_is_sure_enough():
    assert median_interval(list(range(9)), confidence=0.9609375) == (1, 7, 0.9609375)


@pytest.mark.parametrize("values", [[], [1.0]])
def test_fewer_than_two_values_have_no_interval(values):
    assert median_interval(values) is None


@pytest.mark.parametrize(("decades", "sign", "sure"), [(3.0, 1, True), (3.0, -1, False), (-3.0, -1, True)])
def test_a_steep_slope_is_confirmed_by_each_record_before_the_end(decades, sign, sure):
    profile = extract(with_slope(healthy_record(), decades)).profile
    records = int(np.sum(profile.steps < 50))
    agreeing = (records + 1) / (records + 2) if sure else 1 / (records + 2)
    assert slope_beyond(profile, 1.5, sign=sign, until=50.0) == pytest.approx(agreeing)
    only_first = 2 / 3 if sure else 1 / 3
    assert slope_beyond(profile, 1.5, sign=sign, until=0.0) == pytest.approx(only_first)
