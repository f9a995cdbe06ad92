"""Losses that are the same for outputs of any size, and losses that are not."""

import pytest
import torch
from torch import Tensor, nn

from gradclinic_torch.preflight.directions import spread_of_sizes

from .own_loss import OwnLoss

TARGETS = torch.tensor([[3.0, 4.0], [6.0, 8.0], [0.0, 15.0]])
OUTPUTS = torch.tensor([[1.0, 0.0], [1.0, 1.0], [-1.0, 2.0]])


def of(function, outputs: Tensor = OUTPUTS, targets: Tensor = TARGETS) -> float | None:
    criterion = OwnLoss(lambda o, t: function(o, t).mean())
    return spread_of_sizes(criterion, outputs, targets, criterion(outputs, targets))


def test_a_cosine_leaves_the_sizes_open():
    """They are 5, 10 and 15, with a deviation of 5."""
    assert of(lambda o, t: 1 - nn.functional.cosine_similarity(o, t)) == pytest.approx(0.5)


def test_sizes_that_are_equal_have_no_spread():
    unit = nn.functional.normalize(TARGETS, dim=1)
    assert of(lambda o, t: 1 - nn.functional.cosine_similarity(o, t), targets=unit) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    "function",
    [
        lambda o, t: (o - t).square(),
        lambda o, t: 1 - nn.functional.cosine_similarity(o, t) + 0.01 * (o - t).square().mean(),
        lambda o, t: 0 * o.sum() + t,  # does not depend on them at all
    ],
)
def test_a_loss_that_sees_sizes_or_nothing_is_none(function):
    assert of(function) is None


def test_single_numbers_and_torch_s_own_losses_are_left_alone():
    assert of(lambda o, t: -(o * t).sign(), outputs=OUTPUTS[:, :1], targets=TARGETS[:, :1]) is None
    assert spread_of_sizes(nn.MSELoss(), OUTPUTS, TARGETS, nn.MSELoss()(OUTPUTS, TARGETS)) is None
