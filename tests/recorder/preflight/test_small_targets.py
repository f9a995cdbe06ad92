"""Losses that divide by their targets, whose gradient is known, and losses that do not."""

import pytest
import torch
from torch import Tensor, nn

from gradclinic_torch.preflight.small_targets import largest_over_median

from .own_loss import OwnLoss

TARGETS = torch.tensor([0.01, *range(1, 32)])[:, None]
OUTPUTS = torch.zeros(32, 1)


def of(function, outputs: Tensor = OUTPUTS, targets: Tensor = TARGETS) -> float | None:
    criterion = OwnLoss(lambda o, t: function(o, t).mean())
    return largest_over_median(criterion, outputs, targets, criterion(outputs, targets))


def test_the_gradient_of_a_percentage_error_is_one_over_the_target():
    """The median of 32 gradients, the lower of two, is that of 16."""
    assert of(lambda o, t: (o - t).abs() / t) == pytest.approx(1600, rel=1e-3)
    assert of(lambda o, t: (o - t).abs() / t.abs(), targets=-TARGETS) == pytest.approx(1600, rel=1e-3)


def test_other_losses_and_torch_s_own_are_none():
    assert of(lambda o, t: (o - t).square()) is None
    assert of(lambda o, t: (o - t).abs()) is None
    assert of(lambda o, t: torch.log(torch.cosh(o - t))) is None
    assert largest_over_median(nn.L1Loss(), OUTPUTS, TARGETS, torch.tensor(1.0)) is None


def test_a_loss_of_several_outputs_or_of_few_samples_is_left_alone():
    def percent(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).abs() / targets

    assert of(percent, OUTPUTS.expand(32, 2), TARGETS.expand(32, 2)) is None
    assert of(percent, OUTPUTS[:15], TARGETS[:15]) is None
    assert of(percent, OUTPUTS, TARGETS[:1].expand(32, 1) * 0) is None
