import numpy as np

from gradclinic.measurements.record import Series
from gradclinic.pages.sparkline import MOST_POINTS, path_of


def series(*values: float) -> Series:
    return Series(np.arange(len(values), dtype=np.int32), np.array(values, np.float32)[:, None])


def test_a_loss_falls_from_the_top_left_to_the_bottom_right():
    assert path_of(series(2.0, 1.0, 0.0)) == "M0 2L50 12L100 22"


def test_a_loss_that_hardly_changes_does_not_look_like_one_that_falls():
    heights = [float(point.split()[1]) for point in path_of(series(2.4, 2.3)).strip("M").split("L")]
    assert heights[1] - heights[0] < 1
    assert path_of(series(-1.0, -2.0)) == "M0 12L100 22"


def test_values_that_are_not_finite_are_left_out_and_a_constant_is_a_line():
    assert path_of(series(2.0, float("nan"), 2.0)) == "M0 2L100 2"
    assert path_of(series(1.0, float("inf"))) == ""
    assert path_of(series()) == ""


def test_a_long_series_is_thinned_and_keeps_its_end():
    path = path_of(series(*np.linspace(5.0, 0.0, 10_000)))
    assert path.count("L") <= MOST_POINTS
    assert path.endswith("L100 22")


def test_the_list_of_runs_draws_the_loss_of_those_that_have_one(clinic):
    assert '<path d="M0 ' in clinic.page(f"/runs?search={clinic.sick}")
    waiting = clinic.page(f"/runs?search={clinic.waiting}")
    assert f"/runs/{clinic.waiting}" in waiting
    assert "<svg" not in waiting
