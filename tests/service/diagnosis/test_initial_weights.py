"""The size of initial weights, at and beside the values where they count as unusual."""

from dataclasses import replace
from math import prod

import numpy as np
import pytest

from gradclinic.diagnosis.initial_weights import huge_weights, starts_too_large, tiny_weights, typical_gain

from .records import changed, healthy_record, with_levels
from .seen import CLASSIFIER, but, seen


@pytest.mark.parametrize(("rms", "level", "is_so"), [(0.1, 30.0, False), (0.1, 30.5, True), (2.0, 60.0, False)])
def test_outputs_of_more_than_thirty_times_the_inputs_size_or_1_are_too_large(rms, level, is_so):
    record = seen(but(CLASSIFIER, "inputs", rms=rms), record=with_levels(healthy_record(), level))
    assert starts_too_large(record) is is_so


def test_the_gain_of_a_layer_is_its_weights_size_times_the_root_of_its_inputs():
    """Weights of deviation d over n inputs enlarge independent inputs of size 1 to d sqrt(n)."""
    record = healthy_record()
    sizes = record.series["weight_norm_l2"]
    norms = np.array([0.7 / prod(each.shape[1:]) ** 0.5 * prod(each.shape) ** 0.5 for each in record.weights])
    values = np.tile(norms, (len(sizes.values), 1))
    record = replace(record, series={**record.series, "weight_norm_l2": replace(sizes, values=values)})
    assert typical_gain(record) == pytest.approx(0.7)
    assert typical_gain(replace(record, series={})) is None


@pytest.mark.parametrize(
    ("gain", "tiny", "huge"), [(0.029, True, False), (0.031, False, False), (2.99, False, False), (3.01, False, True)]
)
def test_a_typical_gain_far_from_common_ones_is_tiny_or_huge(gain, tiny, huge):
    """In layers of 32 x 32, the norm is the gain times the root of 32."""
    record = changed(healthy_record(), {"weight_norm_l2": gain * 32**0.5})
    assert (tiny_weights(record) is not None, huge_weights(record) is not None) == (tiny, huge)
