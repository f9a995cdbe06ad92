import pytest

from gradclinic.experiments.activations.mish import Mish

from .checks import at, check_slopes, slope_at


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(Mish())


def test_its_minimum_is_where_its_author_has_it():
    assert at(Mish(), -1.192) == pytest.approx(-0.3088, abs=1e-3)
    assert slope_at(Mish(), -1.192) == pytest.approx(0.0, abs=1e-3)
