import pytest
import torch

from gradclinic.experiments.clipping.norm import NormClipping
from gradclinic.experiments.clipping.value import ValueClipping
from gradclinic_torch.measure.reductions import norms_of
from gradclinic_workers.train.clip import clip


def gradients() -> list[torch.Tensor]:
    return [torch.tensor([3.0, 0.0]), torch.tensor([[0.0], [-4.0]])]


def test_norms_survive_values_whose_squares_no_float32_can_hold():
    assert norms_of([torch.full((4,), 1e-25), torch.full((4,), 1e25)]).tolist() == pytest.approx(
        [2e-25, 2e25], rel=1e-6
    )


def test_a_norm_above_the_limit_is_scaled_to_it_and_one_below_is_left_alone():
    large, small = gradients(), gradients()
    assert clip(NormClipping(max_norm=1.0), large, norms_of(large).norm()) == 1
    assert norms_of(large).norm().item() == pytest.approx(1.0)
    assert clip(NormClipping(max_norm=10.0), small, norms_of(small).norm()) == 0
    assert all(torch.equal(after, before) for after, before in zip(small, gradients(), strict=True))


def test_value_clipping_limits_each_entry():
    clipped = gradients()
    assert clip(ValueClipping(max_value=3.5), clipped, norms_of(clipped).norm()) == 1
    assert [tensor.flatten().tolist() for tensor in clipped] == [[3.0, 0.0], [0.0, -3.5]]


def test_no_clipping_says_nothing_and_changes_nothing():
    untouched = gradients()
    assert clip(None, untouched, norms_of(untouched).norm()) is None
    assert [tensor.flatten().tolist() for tensor in untouched] == [[3.0, 0.0], [0.0, -4.0]]
