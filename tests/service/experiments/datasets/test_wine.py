import numpy as np

from gradclinic.experiments.datasets.wine import Wine

from .checks import check_samples, check_standard, nearest_neighbour_accuracy


def test_its_samples_are_as_declared_and_fixed_by_its_own_seed():
    check_samples(Wine())


def test_178_wines_of_13_features_can_be_told_apart():
    assert sum(Wine().size()) == 178
    check_standard(Wine())
    assert nearest_neighbour_accuracy(Wine().sample("flat")) > 0.8


def test_unstandardized_its_features_differ_in_scale_by_decades():
    raw = Wine(standardize=False).sample("flat").train.inputs.std(axis=0)
    assert raw.max() / raw.min() > 1000
    scaled = Wine(standardize=False, scale=2.0, shift=1.0).sample("flat").train.inputs
    np.testing.assert_allclose(scaled, 2 * Wine(standardize=False).sample("flat").train.inputs + 1, rtol=1e-5)
