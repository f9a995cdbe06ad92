import numpy as np

from gradclinic.experiments.datasets.mnist1d import MNIST1D

from .checks import check_samples, check_standard, differs_by_seed, nearest_neighbour_accuracy


def test_its_samples_are_as_declared_and_fixed_by_its_own_seed():
    check_samples(MNIST1D(n=500))


def test_it_comes_flat_and_as_a_sequence_of_forty_points():
    assert MNIST1D().forms() == {"flat": (40,), "sequence": (40, 1)}
    assert MNIST1D().size() == (4000, 1000)
    check_standard(MNIST1D(n=1000))
    assert differs_by_seed(MNIST1D(n=200))


def test_shifted_digits_are_hard_for_the_nearest_neighbour_but_not_hopeless():
    accuracy = nearest_neighbour_accuracy(MNIST1D().sample("flat"), train=4000)
    assert 0.3 < accuracy < 0.8


def test_classes_are_balanced():
    split = MNIST1D(n=1000).draw()
    counts = np.bincount(np.concatenate([split.train.targets, split.validation.targets]))
    np.testing.assert_array_equal(counts, 100)
