import pytest

from gradclinic.experiments.activations.silu import SiLU

from .checks import at, check_slopes, slope_at


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(SiLU())


def test_its_minimum_is_where_swish_has_it():
    assert at(SiLU(), -1.2785) == pytest.approx(-0.2785, abs=1e-3)
    assert slope_at(SiLU(), -1.2785) == pytest.approx(0.0, abs=1e-3)
