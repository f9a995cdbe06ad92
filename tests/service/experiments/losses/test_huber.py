import numpy as np
import pytest

from gradclinic.experiments.losses.huber import Huber
from gradclinic.experiments.losses.l1 import MeanAbsoluteError
from gradclinic.experiments.losses.mse import MeanSquaredError

from .checks import NUMBERS, said_and_found


@pytest.mark.parametrize("delta", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_its_constant_is_the_least_that_a_constant_output_reaches(delta, task):
    said, found = said_and_found(Huber(delta=delta), task=task)
    assert said == pytest.approx(found, rel=1e-4)


def test_with_a_large_delta_it_is_half_the_squared_error_and_with_a_small_one_the_absolute():
    assert Huber(delta=1e6).constant(NUMBERS) == pytest.approx(MeanSquaredError().constant(NUMBERS) / 2)
    assert Huber(delta=1e-6).constant(NUMBERS) / 1e-6 == pytest.approx(MeanAbsoluteError().constant(NUMBERS), rel=1e-4)


def test_equal_targets_cost_nothing():
    assert Huber().constant(np.full((4, 1), 7.0, np.float32)) == 0
