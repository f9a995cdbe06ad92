from gradclinic.experiments.activations.hardtanh import Hardtanh

from .checks import at, check_slopes, slope_at


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(Hardtanh())


def test_it_is_the_identity_inside_and_flat_outside():
    assert at(Hardtanh(), 0.3) == 0.3
    assert at(Hardtanh(), 7.0) == 1.0
    assert slope_at(Hardtanh(), 1.0) == 0.0
    assert Hardtanh.bounded
