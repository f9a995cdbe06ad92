from gradclinic.experiments.activations.identity import Identity

from .checks import at, check_slopes, slope_at


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(Identity())


def test_it_changes_nothing_and_loses_no_gradient():
    assert at(Identity(), -3.5) == -3.5
    assert slope_at(Identity(), 100.0) == 1.0
    assert not Identity().can_die()
