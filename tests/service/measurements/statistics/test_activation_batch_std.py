import math
import statistics

import pytest
import torch

from .computed import check, computed, entries, tensors


def naive(tensor: torch.Tensor) -> float:
    units = tensor.flatten(1).T
    return math.sqrt(sum(statistics.pvariance(entries(unit)) for unit in units) / len(units))


@pytest.mark.parametrize("factor", [1.0, 1e-25, 1e25])
def test_it_is_the_deviation_over_the_batch_and_the_rms_of_that_over_the_units(factor):
    check(["activation_batch_std"], naive, given=[factor * each for each in tensors()], rel=1e-6)


def test_a_deviation_that_is_tiny_against_the_mean_is_not_lost():
    check(["activation_batch_std"], naive, given=[1000.0 + each / 4096 for each in tensors()], rel=1e-5)


def test_an_output_that_does_not_depend_on_the_input_has_none():
    assert computed("activation_batch_std", [torch.rand(3).expand(5, 3)]) == [0.0]
