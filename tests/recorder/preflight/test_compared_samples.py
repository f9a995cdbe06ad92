"""Losses that compare samples, and losses that are means over them."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gradclinic_torch.preflight.compared_samples import compared_samples

from .own_loss import OwnLoss

OUTPUTS = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
TARGETS = torch.zeros(2)


def of(function, outputs: Tensor = OUTPUTS, targets: Tensor = TARGETS) -> int:
    criterion = OwnLoss(function)
    return compared_samples(criterion, outputs, targets, criterion(outputs, targets))


def contrast(outputs: Tensor, _: Tensor) -> Tensor:
    """The two halves of a row are views of one sample."""
    one, other = (functional.normalize(each, dim=1) for each in outputs.chunk(2, 1))
    return functional.cross_entropy(one @ other.T / 0.2, torch.arange(len(outputs)))


def test_a_contrastive_loss_compares_the_samples_of_its_batch():
    assert of(contrast) == 2
    assert of(contrast, torch.randn(5, 6), torch.zeros(5)) == 0, "enough"


@pytest.mark.parametrize(
    "function",
    [
        lambda outputs, _: outputs.square().mean(),
        lambda outputs, _: outputs.square().mean().sqrt(),
        lambda outputs, _: functional.relu(outputs[:, 0] - outputs[:, 1] + 1).sum(),
        lambda outputs, targets: contrast(outputs, targets) + targets.mean(),
    ],
)
def test_a_mean_its_root_and_a_loss_with_targets_do_not(function):
    assert of(function) == 0


def test_torch_s_own_losses_and_single_samples_are_left_alone():
    assert compared_samples(nn.MSELoss(), OUTPUTS, OUTPUTS, torch.tensor(0.0)) == 0
    assert of(contrast, OUTPUTS[:1], TARGETS[:1]) == 0
