import numpy as np

from gradclinic.experiments.datasets.spirals import Spirals

from .checks import check_samples, check_standard, differs_by_seed, nearest_neighbour_accuracy


def test_its_samples_are_as_declared_and_fixed_by_its_own_seed():
    check_samples(Spirals())


def test_more_turns_bring_the_arms_closer():
    near = nearest_neighbour_accuracy(Spirals(turns=8.0, noise=0.05).sample("flat"))
    far = nearest_neighbour_accuracy(Spirals(noise=0.05).sample("flat"))
    assert far > 0.95 > near + 0.1


def test_both_arms_are_one_rotated_by_half_a_turn():
    raw = Spirals(noise=0.0).draw()
    points = np.concatenate([raw.train.inputs, raw.validation.inputs])
    assert np.linalg.norm(points, axis=1).max() <= 1.0
    check_standard(Spirals())
    assert differs_by_seed(Spirals())
