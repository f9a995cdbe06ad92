from gradclinic.experiments.datasets.blobs import Blobs

from .checks import check_samples, check_standard, differs_by_seed, nearest_neighbour_accuracy


def test_its_samples_are_as_declared_and_fixed_by_its_own_seed():
    check_samples(Blobs())


def test_clusters_are_standardized_feature_by_feature_and_easy_to_tell_apart():
    check_standard(Blobs())
    assert nearest_neighbour_accuracy(Blobs().sample("flat")) > 0.95


def test_label_noise_of_one_leaves_nothing_to_learn():
    noisy = Blobs(label_noise=1.0).sample("flat")
    assert nearest_neighbour_accuracy(noisy) < 0.5


def test_dimensions_and_classes_are_knobs():
    data = Blobs(dim=3, classes=7)
    assert data.forms() == {"flat": (3,)}
    assert data.outputs() == 7
    assert differs_by_seed(data)
