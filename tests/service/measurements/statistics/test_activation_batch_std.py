import math
import statistics

import torch

from .computed import check, computed, entries, tensors


def naive(tensor: torch.Tensor) -> float:
    units = tensor.flatten(1).T
    return math.sqrt(sum(statistics.pvariance(entries(unit)) for unit in units) / len(units))


def test_it_is_the_deviation_over_the_batch_and_the_rms_of_that_over_the_units():
    check(["activation_batch_std"], naive, given=[1e-25 * each for each in tensors()], rel=1e-9)


def test_an_output_that_does_not_depend_on_the_input_has_none():
    assert computed("activation_batch_std", [torch.arange(3.0).expand(4, 3)]) == [0.0]
