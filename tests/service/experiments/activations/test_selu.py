import numpy as np
import pytest

from gradclinic.experiments.activations.selu import SELU

from .checks import check_slopes


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(SELU())


def test_a_standard_normal_keeps_its_mean_and_variance():
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    weights = weights / weights.sum()
    values = SELU().value(nodes)
    assert (weights * values).sum() == pytest.approx(0.0, abs=2e-3)
    assert (weights * values**2).sum() == pytest.approx(1.0, abs=2e-3)
