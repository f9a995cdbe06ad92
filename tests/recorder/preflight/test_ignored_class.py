"""Classes that a loss leaves out, and padding that it leaves out by design."""

import pytest
import torch
from torch import nn

from gradclinic_torch.preflight.ignored_class import ignored_fraction

OUTPUTS = torch.zeros(8, 4)
TARGETS = torch.arange(8) % 4
MAPS, MAP_TARGETS = torch.zeros(2, 4, 3, 3), (torch.arange(18) % 4).reshape(2, 3, 3)


@pytest.mark.parametrize("criterion", [nn.CrossEntropyLoss(ignore_index=0), nn.NLLLoss(ignore_index=3)])
def test_one_of_four_classes_of_samples_is_a_quarter_of_them(criterion):
    assert ignored_fraction(criterion, OUTPUTS, TARGETS, rows=8) == 0.25


def test_so_is_a_class_with_a_weight_of_0():
    weighed = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 0.0, 1.0, 0.0]))
    assert ignored_fraction(weighed, OUTPUTS, TARGETS, rows=8) == 0.5


def test_of_maps_the_first_or_last_class_may_be_void():
    found = [ignored_fraction(nn.CrossEntropyLoss(ignore_index=k), MAPS, MAP_TARGETS, rows=2) for k in range(4)]
    assert (found[0], found[3]) == (None, None)
    assert found[1:3] == [pytest.approx(5 / 18), pytest.approx(4 / 18)]


@pytest.mark.parametrize(
    ("criterion", "outputs", "targets", "rows"),
    [
        (nn.CrossEntropyLoss(), OUTPUTS, TARGETS, 8),
        (nn.CrossEntropyLoss(ignore_index=255), OUTPUTS, TARGETS, 8),
        (nn.CrossEntropyLoss(ignore_index=1), OUTPUTS, torch.zeros(8, dtype=torch.long), 8),  # none is of it
        (nn.CrossEntropyLoss(ignore_index=1), OUTPUTS, TARGETS, 2),  # steps of two sequences in one row
        (nn.CrossEntropyLoss(ignore_index=1), torch.zeros(2, 4, 4), TARGETS.reshape(2, 4), 2),  # steps of sequences
        (nn.CrossEntropyLoss(ignore_index=1), OUTPUTS, torch.zeros(8, 4), 8),  # probabilities
        (nn.MSELoss(), OUTPUTS, TARGETS, 8),
    ],
)
def test_padding_and_numbers_that_are_no_class_are_left_out_rightly(criterion, outputs, targets, rows):
    assert ignored_fraction(criterion, outputs, targets, rows=rows) is None
