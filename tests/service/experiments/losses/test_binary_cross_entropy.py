import numpy as np
import pytest

from gradclinic.experiments.losses.binary_cross_entropy import BinaryCrossEntropy

from .checks import CLASSES, said_and_found


@pytest.mark.parametrize("on", ["logits", "probabilities"])
def test_its_constant_is_the_least_that_a_constant_output_reaches(on):
    said, found = said_and_found(BinaryCrossEntropy(on=on), task="classification")
    assert said == pytest.approx(found, rel=1e-4)
    assert BinaryCrossEntropy(on=on).takes == on


def test_each_class_is_a_column_of_its_own():
    columns = BinaryCrossEntropy().targets(CLASSES, outputs=4, task="classification")
    assert columns.shape == (10, 4)
    np.testing.assert_array_equal(columns.argmax(axis=1), CLASSES)
    assert (columns.sum(axis=1) == 1).all()


def test_a_class_that_never_occurs_costs_nothing():
    columns = BinaryCrossEntropy().targets(np.zeros(5, np.int64), outputs=2, task="classification")
    assert BinaryCrossEntropy().constant(columns) == 0
