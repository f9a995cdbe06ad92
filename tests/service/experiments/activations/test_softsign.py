from gradclinic.experiments.activations.softsign import Softsign

from .checks import check_slopes, slope_at


def test_its_slope_and_its_bounds_are_those_of_its_values():
    check_slopes(Softsign())


def test_it_saturates_slower_than_tanh():
    assert slope_at(Softsign(), 3.0) == 1 / 16
    assert Softsign.bounded
