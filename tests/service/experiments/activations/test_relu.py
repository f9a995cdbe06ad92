from gradclinic.experiments.activations.relu import ReLU

from .checks import check_slopes, slope_at


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(ReLU())


def test_it_has_no_gradient_at_zero_and_its_units_can_die():
    assert slope_at(ReLU(), 0.0) == 0.0
    assert slope_at(ReLU(), 1e-9) == 1.0
    assert ReLU().can_die()
