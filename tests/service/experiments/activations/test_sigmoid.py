from gradclinic.experiments.activations.sigmoid import Sigmoid

from .checks import at, check_slopes, slope_at


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(Sigmoid())


def test_its_steepest_slope_is_a_quarter():
    assert slope_at(Sigmoid(), 0.0) == 0.25
    assert Sigmoid.bounded


def test_it_stays_finite_far_out():
    assert at(Sigmoid(), 1000.0) == 1.0
    assert at(Sigmoid(), -1000.0) == 0.0
