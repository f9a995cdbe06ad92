import numpy as np
import pytest

from gradclinic.experiments.datasets.digits import Digits
from gradclinic.experiments.losses.cross_entropy import CrossEntropy

from .checks import check_samples, check_standard


def test_its_samples_are_as_declared_and_fixed_by_its_own_seed():
    check_samples(Digits())


def test_it_is_standardized_by_one_scalar_and_comes_as_an_image_too():
    check_standard(Digits())
    assert Digits().forms() == {"flat": (64,), "image": (1, 8, 8)}
    flat, image = Digits().sample("flat"), Digits().sample("image")
    np.testing.assert_array_equal(flat.train.inputs, image.train.inputs.reshape(1500, 64))


def test_its_constant_loss_is_the_entropy_of_ten_classes():
    assert CrossEntropy().constant(Digits().sample("flat").train.targets) == pytest.approx(np.log(10), abs=0.01)
