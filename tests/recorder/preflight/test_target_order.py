"""Whether samples come sorted by class, by orders whose answer is known."""

import pytest
import torch

from gradclinic_torch.preflight.target_order import TargetOrder

DRAW = torch.Generator().manual_seed(0)
THREE = torch.arange(3).repeat_interleave(50)
RARE = (torch.arange(4000) % 700 == 399).long()
"""Ones that come once in 700 rows, the first of them as the last row of a batch."""


def is_sorted(targets: torch.Tensor, *, batch: int = 16, calls: int = 40) -> bool:
    """The answer after so many calls, one epoch after the other in the same order."""
    order = TargetOrder()
    for call in range(calls):
        start = call * batch % (len(targets) - batch + 1)
        order.saw(targets[start : start + batch])
    return order.is_sorted


def test_classes_one_after_the_other_are_sorted():
    assert is_sorted(THREE)
    assert is_sorted(THREE[:, None].float())
    assert is_sorted(torch.nn.functional.one_hot(THREE, 3))


def test_a_class_that_comes_after_the_first_batches_is_waited_for():
    assert is_sorted(torch.arange(2).repeat_interleave(400), batch=20)
    assert not is_sorted(torch.zeros(800), batch=20)


@pytest.mark.parametrize(
    "targets",
    [
        torch.randint(10, (600,), generator=DRAW),
        torch.randint(2, (600, 1), generator=DRAW).float(),
        RARE,
        (torch.rand(2000, generator=DRAW) < 0.002).long(),
        torch.randn(600, 1, generator=DRAW).sort(0).values,
        torch.randint(2, (600, 5), generator=DRAW).float(),
    ],
)
def test_samples_in_any_other_order_and_targets_that_are_no_classes_are_not(targets):
    assert not is_sorted(targets, batch=40)


def test_batches_of_real_and_made_samples_in_turn_and_of_a_few_classes_each_are_not():
    assert not is_sorted(torch.arange(40).remainder(2).repeat_interleave(64), batch=64)
    assert not is_sorted(torch.arange(80).repeat_interleave(8), batch=32, calls=8)
