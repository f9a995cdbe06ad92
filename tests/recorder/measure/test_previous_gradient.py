import pytest
import torch
from torch import nn

from gradclinic_torch.measure.previous_gradient import PreviousGradient


def compared(gradients: list[list[float]], *, dtype: torch.dtype = torch.float32) -> list[float | None]:
    """The cosines of successive gradients of two weights, each with half of the numbers."""
    weights = [nn.Parameter(torch.zeros(2, dtype=dtype)) for _ in range(2)]
    previous, found = PreviousGradient(weights), []
    for each in gradients:
        for weight, part in zip(weights, torch.tensor(each, dtype=dtype).split(2), strict=True):
            weight.grad = part.clone()
        cosine = previous.compare(wanted=True, keep=True)
        found.append(None if cosine is None else float(cosine))
    return found


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_each_gradient_is_compared_with_the_one_before_it(dtype: torch.dtype) -> None:
    found = compared([[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, -2, 0], [0, 0, -1, 1]], dtype=dtype)
    assert found == [None, 1.0, 0.0, -1.0, pytest.approx(0.5**0.5)]


def test_a_step_that_is_repeated_is_compared_with_the_same_one_again() -> None:
    weight = nn.Parameter(torch.zeros(2))
    previous = PreviousGradient([weight])

    def cosine(*gradient: float) -> float | None:
        weight.grad = torch.tensor(gradient, dtype=torch.float32)
        found = previous.compare(wanted=True, keep=True)
        return None if found is None else float(found)

    assert [cosine(1, 0), cosine(0, 1)] == [None, 0.0]
    previous.take_back()
    assert cosine(1, 0) == 1.0
    assert cosine(-1, 0) == -1.0
