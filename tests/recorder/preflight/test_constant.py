"""The loss of the best constant prediction, against the least that gradient descent over a constant finds."""

from math import log

import pytest
import torch
from torch import nn

from gradclinic_torch import Recording
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


SHARES = torch.rand(60, 3).double().softmax(1)
PARTS = torch.rand(60, 2).double()


def best(criterion: nn.Module, targets: torch.Tensor, columns: int) -> float:
    """The loss of the outputs that gradient descent finds for each row."""
    rows = torch.zeros(len(targets), columns, dtype=torch.float64, requires_grad=True)
    steps = torch.optim.LBFGS([rows], max_iter=1000, tolerance_change=1e-12, line_search_fn="strong_wolfe")

    def value() -> torch.Tensor:
        steps.zero_grad()
        found: torch.Tensor = criterion(rows, targets)
        found.backward()
        return found

    steps.step(value)
    return value().item()


@pytest.mark.parametrize(
    ("criterion", "targets", "columns"),
    [
        (nn.CrossEntropyLoss(), SHARES, 3),
        (nn.CrossEntropyLoss(label_smoothing=0.1), SHARES, 3),
        (nn.CrossEntropyLoss(label_smoothing=0.1), CLASSES, 3),
        (nn.BCEWithLogitsLoss(), PARTS, 2),
    ],
)
def test_no_outputs_have_less_than_the_entropy_of_soft_targets(criterion, targets, columns):
    constant = ConstantLoss()
    constant.saw(criterion, torch.zeros(len(targets), columns), targets)
    assert constant.floor() == pytest.approx(best(criterion, targets, columns), abs=1e-6)


@pytest.mark.parametrize(
    ("criterion", "targets"),
    [
        (nn.CrossEntropyLoss(), CLASSES),
        (nn.BCEWithLogitsLoss(), YES_OR_NO),
        (nn.MSELoss(), YES_OR_NO),
        (nn.CrossEntropyLoss(torch.ones(3).double()), SHARES),
        (nn.CrossEntropyLoss(reduction="sum"), SHARES),
        (nn.BCEWithLogitsLoss(pos_weight=torch.ones(2)), PARTS),
    ],
)
def test_hard_targets_can_be_met_and_of_weighted_ones_the_least_is_not_known(criterion, targets):
    constant = ConstantLoss()
    columns = 3 if isinstance(criterion, nn.CrossEntropyLoss) else 2
    constant.saw(criterion, torch.zeros(len(targets), columns), targets)
    assert constant.floor() is None


def test_a_training_with_label_smoothing_is_compared_above_the_entropy_of_its_targets():
    model, criterion = nn.Linear(3, 3), nn.CrossEntropyLoss(label_smoothing=0.2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recording(model, optimizer, criterion) as recording:
        loss = criterion(model(torch.randn(60, 3)), CLASSES)
        loss.backward()
        recording.after_backward(loss)
        optimizer.step()
    facts = recording.record.preflight.loss
    assert facts.floor == pytest.approx(-2 / 15 * log(1 / 15) - 13 / 15 * log(13 / 15))
    assert facts.constant > facts.floor
