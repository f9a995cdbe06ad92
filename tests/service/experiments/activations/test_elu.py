import pytest

from gradclinic.experiments.activations.elu import ELU

from .checks import at, check_slopes


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(ELU())


@pytest.mark.parametrize("alpha", [0.04, 0.5, 1.0, 3.0])
def test_its_limit_is_minus_alpha_and_its_bounds_follow_alpha(alpha):
    check_slopes(ELU(alpha=alpha))
    assert at(ELU(alpha=alpha), -50.0) == pytest.approx(-alpha)
