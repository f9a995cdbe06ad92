import pytest
import torch

from gradclinic.experiments.layers.batch_norm import BatchNorm

from .built import computed, lowered, samples


@pytest.mark.parametrize(("shape", "axes"), [((3,), (0,)), ((5, 3), (0, 1)), ((3, 4, 5), (0, 2, 3))])
def test_every_unit_is_standardized_over_the_batch_and_all_positions(shape, axes):
    output = computed(BatchNorm(), 3 * samples(*shape) + 7)
    torch.testing.assert_close(output.mean(dim=axes), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(output.var(dim=axes, correction=0), torch.ones(3), atol=1e-3, rtol=0)


def test_it_needs_two_samples_where_there_is_one_position():
    assert BatchNorm().smallest_batch((3,)) == 2
    assert BatchNorm().smallest_batch((1, 3)) == 2
    assert BatchNorm().smallest_batch((3, 2, 2)) == 1


def test_its_parameters_are_a_scale_and_a_shift_for_every_unit():
    assert [(p.role, p.shape) for p in lowered(BatchNorm(), 5, 3).parameters] == [("scale", (3,)), ("shift", (3,))]
    assert not lowered(BatchNorm(), 3).weighted
