import pytest

from gradclinic.experiments.activations.gelu import GELU

from .checks import at, check_slopes, slope_at


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(GELU())


def test_it_dips_below_zero_and_is_not_saturated_in_the_dip():
    assert at(GELU(), -0.7518) == pytest.approx(-0.17, abs=1e-3)
    assert slope_at(GELU(), -0.7518) == pytest.approx(0.0, abs=1e-3)
    assert GELU().saturation_bounds()[0] < -0.7518
