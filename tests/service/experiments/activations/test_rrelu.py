import numpy as np
import pytest
from pydantic import ValidationError

from gradclinic.experiments.activations.rrelu import RReLU

from .checks import check_slopes, slope_at


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(RReLU())


def test_its_expected_squared_slope_is_that_of_a_uniform_draw():
    rrelu = RReLU(lower=0.1, upper=0.3)
    draws = np.random.default_rng(0).uniform(0.1, 0.3, 100_000)
    assert float(rrelu.squared_derivative(np.array([-1.0]))[0]) == pytest.approx((draws**2).mean(), rel=0.01)
    assert slope_at(rrelu, -1.0) == pytest.approx(0.2)


def test_bounds_in_the_wrong_order_are_refused():
    with pytest.raises(ValidationError, match="must not exceed"):
        RReLU(lower=0.5, upper=0.2)
