import pytest
from pydantic import ValidationError

from gradclinic.experiments.activations.leaky_relu import LeakyReLU

from .checks import check_slopes, slope_at


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(LeakyReLU())


@pytest.mark.parametrize("slope", [0.01, 0.2])
def test_its_negative_side_passes_a_share_so_no_unit_can_die(slope):
    leaky = LeakyReLU(negative_slope=slope)
    check_slopes(leaky)
    assert slope_at(leaky, -3.0) == slope
    assert not leaky.can_die()


@pytest.mark.parametrize("slope", [0.0, 1.0, -0.1])
def test_a_slope_that_is_no_leak_is_refused(slope):
    with pytest.raises(ValidationError):
        LeakyReLU(negative_slope=slope)
