from gradclinic.experiments.activations.relu6 import ReLU6

from .checks import at, check_slopes, slope_at


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(ReLU6())


def test_it_stops_at_six():
    assert at(ReLU6(), 9.0) == 6.0
    assert slope_at(ReLU6(), 6.0) == 0.0
    assert ReLU6().can_die()
