"""What a line and a curve leave of targets, against what is known of them."""

import pytest
import torch
from torch import Tensor

from gradclinic_torch.preflight.simple_fits import simple_fits


def numbers(rows: int, columns: int, *, seed: int = 0) -> Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_line_leaves_the_noise_and_a_curve_no_more():
    inputs = numbers(200, 3)
    found = simple_fits(inputs, inputs @ numbers(3, 1, seed=1) + 0.5 * numbers(200, 1, seed=2))
    assert found is not None
    assert found.samples == 200
    assert found.line_left == pytest.approx(0.25 / (0.25 + float(numbers(3, 1, seed=1).square().sum())), rel=0.3)
    assert abs(found.curve_left - found.line_left) < 0.03


def test_a_curve_leaves_less_where_the_data_are_curved():
    inputs = numbers(256, 2)
    found = simple_fits(inputs, inputs[:, :1] ** 2 + inputs[:, 1:])
    assert found.line_left == pytest.approx(2 / 3, abs=0.15)  # the variances are 2 of the square and 1 of the line
    assert found.curve_left < 0.1
    assert found.line_left - found.curve_left > 4 * found.error


def test_noise_is_not_learned_by_heart_though_it_spreads_with_the_inputs():
    inputs = numbers(256, 3)
    found = simple_fits(inputs, inputs[:, :1].abs() * numbers(256, 1, seed=5))
    assert found.curve_left > 0.9
    assert found.line_left - found.curve_left < 4 * found.error


def test_each_sample_is_predicted_from_the_others_as_by_fits_without_it():
    inputs, targets = numbers(100, 1), numbers(100, 1, seed=3)
    assert simple_fits(inputs, targets).line_left > 1.0  # the mean of the others is worse than that of all


@pytest.mark.parametrize(
    "targets", [torch.arange(200)[:, None] % 3, torch.ones(200, 1), torch.arange(200)[:, None] + 0.5]
)
def test_targets_that_may_be_classes_or_are_all_equal_are_not_fitted(targets):
    assert simple_fits(numbers(200, 3), targets.double()) is None


def test_few_samples_and_constant_inputs_are_not_fitted():
    assert simple_fits(numbers(99, 3), numbers(99, 1, seed=3)) is None
    assert simple_fits(torch.ones(200, 3, dtype=torch.float64), numbers(200, 1, seed=3)) is None
