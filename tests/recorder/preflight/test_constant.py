"""The loss of the best constant prediction, against the least that gradient descent over a constant finds."""

import pytest
import torch
from torch import nn

from gradclinic_torch.preflight.constant import ConstantLoss

torch.manual_seed(0)
NUMBERS = torch.randn(60, 2).double() * 3
CLASSES = torch.randint(0, 3, (60,))
YES_OR_NO = (torch.rand(60, 2) > 0.7).double()


def least(criterion: nn.Module, targets: torch.Tensor, columns: int) -> float:
    row = torch.zeros(columns, dtype=torch.float64, requires_grad=True)
    steps = torch.optim.LBFGS([row], max_iter=500, line_search_fn="strong_wolfe")

    def value() -> torch.Tensor:
        steps.zero_grad()
        found: torch.Tensor = criterion(row.expand(len(targets), -1), targets)
        found.backward()
        return found

    steps.step(value)
    return value().item()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    ("criterion", "targets", "columns"),
    [
        (nn.CrossEntropyLoss, CLASSES, 3),
        (nn.MSELoss, NUMBERS, 2),
        (nn.BCEWithLogitsLoss, YES_OR_NO, 2),
        (lambda **how: nn.BCEWithLogitsLoss(pos_weight=torch.tensor([19.0, 2.0]).double(), **how), YES_OR_NO, 2),
        (lambda **how: nn.BCEWithLogitsLoss(torch.tensor([3.0, 0.5]).double(), **how), YES_OR_NO, 2),
        (nn.HuberLoss, NUMBERS, 2),
        (lambda **how: nn.HuberLoss(delta=2.5, **how), NUMBERS, 2),
        (lambda **how: nn.SmoothL1Loss(beta=0.5, **how), NUMBERS, 2),
        (lambda **how: nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 5.0]).double(), **how), CLASSES, 3),
    ],
)
def test_it_is_the_least_that_a_constant_output_reaches_in_a_batch(criterion, targets, columns, reduction):
    module = criterion(reduction=reduction)
    counted = ConstantLoss()
    for _ in range(2):
        counted.saw(module, torch.zeros(len(targets), columns), targets)
    assert counted.value() == pytest.approx(least(module, targets, columns), rel=1e-3)


def test_a_loss_without_reduction_has_none():
    counted = ConstantLoss()
    counted.saw(nn.MSELoss(reduction="none"), torch.zeros(60, 2), NUMBERS)
    assert counted.value() is None
