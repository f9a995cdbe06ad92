import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradclinic.measurements.record import Series
from gradclinic.measurements.sampling import sample


def series(values: list[float]) -> Series:
    return Series(np.arange(len(values), dtype=np.int32) * 3, np.array(values, np.float32)[:, None])


@given(count=st.integers(1, 400), most=st.integers(2, 60), aggregate=st.sampled_from(["none", "max", "mean", "minmax"]))
def test_there_are_never_more_points_and_the_first_step_stays(count: int, most: int, aggregate: str) -> None:
    found = sample(series([float(value) for value in range(count)]), max_points=most, aggregate=aggregate)  # type: ignore[arg-type]
    assert len(found.steps) == min(count, most)
    assert found.sampled == (count > most)
    assert found.source_points == count
    assert found.steps[0] == 0
    assert (np.diff(found.steps) > 0).all()
    assert (found.low <= found.high).all()


@given(values=st.lists(st.floats(-1e6, 1e6, width=32), min_size=3, max_size=200), most=st.integers(2, 20))
def test_the_extremes_of_a_series_survive(values: list[float], most: int) -> None:
    found = sample(series(values), max_points=most, aggregate="minmax")
    assert (found.low.min(), found.high.max()) == (np.float32(min(values)), np.float32(max(values)))


@pytest.mark.parametrize("aggregate", ["max", "mean", "minmax"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_never_averaged_away(aggregate: str, value: float) -> None:
    values = [1.0] * 50
    values[17] = value
    found = sample(series(values), max_points=5, aggregate=aggregate)  # type: ignore[arg-type]
    assert np.isfinite(found.high[:, 0]).sum() == 4


def test_an_empty_series_stays_empty() -> None:
    found = sample(Series(np.zeros(0, np.int32), np.zeros((0, 3), np.float32)), max_points=2, aggregate="mean")
    assert found.high.shape == (0, 3)
