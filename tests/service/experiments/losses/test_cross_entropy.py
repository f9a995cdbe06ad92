import numpy as np
import pytest

from gradclinic.experiments.losses.cross_entropy import CrossEntropy

from .checks import CLASSES, said_and_found


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_its_constant_is_the_least_that_a_constant_output_reaches(smoothing):
    said, found = said_and_found(CrossEntropy(label_smoothing=smoothing), task="classification")
    assert said == pytest.approx(found, rel=1e-4)


def test_without_smoothing_that_is_the_entropy_of_the_classes():
    shares = np.array([0.5, 0.2, 0.3])
    assert CrossEntropy().constant(CLASSES) == pytest.approx(-(shares * np.log(shares)).sum())


def test_it_takes_logits_and_class_numbers():
    assert CrossEntropy().takes == "logits"
    assert CrossEntropy().targets(CLASSES, outputs=3, task="classification") is CLASSES
