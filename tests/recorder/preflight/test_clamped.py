"""Whether weights are clamped, by weights whose answer is known."""

import pytest
import torch

from gradclinic_torch.preflight.clamped import clamped_at

WEIGHTS = [torch.randn(16, 8, generator=torch.Generator().manual_seed(k)) for k in range(3)]


@pytest.mark.parametrize(("bound", "found"), [(0.01, 0.01), (1.0, 1.0), (2.5, None)])
def test_many_entries_at_the_largest_size_are_clamped(bound, found):
    """Of a normal distribution 32 % are beyond 1, and 1 % beyond 2.5."""
    assert clamped_at([each.clamp(-bound, bound) for each in WEIGHTS]) == found


def test_signs_equal_weights_biases_and_few_clamped_ones_of_many_are_not():
    assert clamped_at([each.sign() for each in WEIGHTS]) is None
    assert clamped_at([torch.ones(16, 8), torch.zeros(16, 8)]) is None
    assert clamped_at([torch.randn(128).clamp(-0.1, 0.1), *WEIGHTS]) is None
    assert clamped_at([WEIGHTS[0].clamp(-0.1, 0.1), *WEIGHTS[1:]]) is None
    assert clamped_at([]) is None
