"""Intervals of a share and of a median, and how sure a slope is, by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest

from gradclinic.diagnosis.confidence import median_interval, slope_beyond, wilson
from gradclinic.diagnosis.features import extract

from .records import healthy_record, with_slope


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


@pytest.mark.parametrize(("decades", "sign", "sure"), [(3.0, 1, True), (3.0, -1, False), (-3.0, -1, True)])
def test_a_steep_slope_is_confirmed_by_each_record_before_the_end(decades, sign, sure):
    profile = extract(with_slope(healthy_record(), decades)).profile
    records = int(np.sum(profile.steps < 50))
    agreeing = (records + 1) / (records + 2) if sure else 1 / (records + 2)
    assert slope_beyond(profile, 1.5, sign=sign, until=50.0) == pytest.approx(agreeing)
    only_first = 2 / 3 if sure else 1 / 3
    assert slope_beyond(profile, 1.5, sign=sign, until=0.0) == pytest.approx(only_first)
