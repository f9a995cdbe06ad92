from math import log

import pytest

from gradclinic.experiments.activations.softplus import Softplus

from .checks import at, check_slopes, slope_at


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(Softplus())


def test_it_is_positive_everywhere_and_its_slope_is_a_sigmoid():
    assert at(Softplus(), 0.0) == pytest.approx(log(2))
    assert slope_at(Softplus(), 0.0) == 0.5
    assert at(Softplus(), -30.0) > 0
