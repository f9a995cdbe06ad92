from gradclinic.experiments.datasets.moons import Moons

from .checks import check_samples, check_standard, differs_by_seed, nearest_neighbour_accuracy


def test_its_samples_are_as_declared_and_fixed_by_its_own_seed():
    check_samples(Moons())


def test_each_coordinate_is_standardized_by_itself():
    check_standard(Moons())
    assert differs_by_seed(Moons())
    assert nearest_neighbour_accuracy(Moons().sample("flat")) > 0.95
