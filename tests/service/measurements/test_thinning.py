"""Thinning keeps what charts and findings need, as it was measured."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gradclinic.measurements.record import Series
from gradclinic.measurements.thinning import BESIDE, POINTS, thin


def noise(count: int, places: int, *, seed: int = 0) -> Series:
    values = np.random.default_rng(seed).normal(size=(count, places)).astype(np.float32)
    return Series(np.arange(0, 3 * count, 3, dtype=np.int32), values)


@given(st.integers(1, 2000), st.integers(1, 5), st.lists(st.integers(-5, 6000), max_size=4), st.integers(0, 9))
def test_it_keeps_ends_extremes_and_what_is_beside_the_steps_and_no_more_than_it_says(count, places, around, seed):
    series = noise(count, places, seed=seed)
    thinned = thin(series, around=around)
    assert len(thinned) <= POINTS + 2 * places + 1 + (2 * BESIDE + 1) * len(around)
    assert np.all(np.diff(thinned.steps) > 0)
    assert (thinned.steps[0], thinned.steps[-1]) == (series.steps[0], series.steps[-1])
    np.testing.assert_array_equal(thinned.values, series.values[thinned.steps // 3])
    np.testing.assert_array_equal(thinned.values.max(axis=0), series.values.max(axis=0))
    np.testing.assert_array_equal(thinned.values.min(axis=0), series.values.min(axis=0))
    for step in around:
        beside = series.steps[np.abs(series.steps - step) <= 3 * (BESIDE - 1)]
        assert set(beside.tolist()) <= set(thinned.steps.tolist())


def test_it_keeps_the_first_value_that_is_not_finite():
    series = noise(1000, 2)
    series.values[707:720, 1] = np.inf
    assert 3 * 707 in thin(series).steps


def test_a_short_series_and_a_thinned_one_stay_as_they_are():
    assert len(thin(noise(POINTS, 3))) == POINTS
    assert thin(Series.empty(2)).steps.size == 0
