"""Outputs that a ReLU keeps at 0 for good, and those that are 0 for now or because no target needs them."""

import torch
from torch import Tensor

from gradclinic_torch.preflight.dead_outputs import DeadOutputs

CLASSES = torch.arange(32) % 4


def count(outputs: Tensor, targets: Tensor, *, calls: int = 64) -> int:
    dead = DeadOutputs()
    for _ in range(calls):
        dead.saw(outputs, targets)
    return dead.count


def test_an_output_that_is_0_for_all_samples_of_its_class_is_dead():
    outputs = torch.rand(32, 4) + 0.1
    outputs[:, 2] = 0
    assert count(outputs, CLASSES) == 1
    assert count(outputs, torch.nn.functional.one_hot(CLASSES, 4).float()) == 1
    assert count(outputs, CLASSES % 2) == 0  # no sample is of class 2


def test_of_numbers_and_of_maps_too():
    assert count(torch.zeros(32, 1), torch.rand(32, 1)) == 1
    assert count(torch.zeros(32, 1), -torch.rand(32, 1)) == 0
    maps = torch.rand(8, 3, 5, 5)
    maps[:, 1] = 0
    assert count(maps, torch.randint(3, (8, 5, 5), generator=torch.Generator().manual_seed(0))) == 1


def test_one_that_is_above_0_once_in_a_while_is_not():
    dead, off = DeadOutputs(), torch.zeros(32, 4)
    for call in range(96):
        dead.saw(off + (call % 20 == 0), CLASSES)
    assert dead.count == 0


def test_one_that_died_late_is_and_one_full_window_of_calls_is_needed():
    dead = DeadOutputs()
    for call in range(96):
        dead.saw(torch.full((32, 4), float(call < 30)), CLASSES)
    assert dead.count == 4
    assert count(torch.zeros(32, 4), CLASSES, calls=32) == 0
