import pytest

from gradclinic.experiments.activations import ACTIVATIONS

from .computed import computed, entries, tensors

SITES = [ACTIVATIONS[name]() for name in ("identity", "tanh", "relu6", "relu", "elu")]


def test_it_counts_what_lies_beyond_the_activations_own_bounds_and_never_nan():
    found = computed("saturated_fraction", tensors(special=True), activations=[*SITES, None])
    for value, tensor, activation in zip(found, tensors(special=True), SITES, strict=False):
        low, high = activation.saturation_bounds()
        assert value == pytest.approx(sum(z < low or z > high for z in entries(tensor)) / tensor.numel(), abs=1e-15)
    assert found[1] > 0 == found[0]
