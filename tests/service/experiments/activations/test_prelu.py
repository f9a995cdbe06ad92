from gradclinic.experiments.activations.prelu import PReLU

from .checks import check_slopes, slope_at


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(PReLU())


def test_it_learns_one_slope_that_starts_at_a_quarter():
    assert PReLU.learned == 1
    assert slope_at(PReLU(), -1.0) == 0.25
    check_slopes(PReLU(negative_slope=0.02))
