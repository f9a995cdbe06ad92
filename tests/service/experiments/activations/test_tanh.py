from gradclinic.experiments.activations.tanh import Tanh

from .checks import check_slopes, slope_at


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(Tanh())


def test_it_saturates_beyond_two_point_two_and_no_unit_of_it_can_die():
    assert slope_at(Tanh(), 2.2) < 0.05 < slope_at(Tanh(), 2.1)
    assert Tanh.bounded
    assert not Tanh().can_die()
