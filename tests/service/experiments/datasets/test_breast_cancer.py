from gradclinic.experiments.datasets.breast_cancer import BreastCancer

from .checks import check_samples, check_standard, differs_by_seed, nearest_neighbour_accuracy


def test_its_samples_are_as_declared_and_fixed_by_its_own_seed():
    check_samples(BreastCancer())


def test_569_tumours_of_30_features_can_be_told_apart():
    assert sum(BreastCancer().size()) == 569
    check_standard(BreastCancer())
    assert nearest_neighbour_accuracy(BreastCancer().sample("flat")) > 0.9
    assert differs_by_seed(BreastCancer())
