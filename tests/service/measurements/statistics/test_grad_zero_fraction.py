import pytest

from .computed import PRECISIONS, check, entries, tensors

NAMES = ("site_grad_zero_fraction", "weight_grad_zero_fraction")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_it_counts_what_is_exactly_0_and_nothing_else(precision):
    given = tensors(precision=precision, special=True)
    check(NAMES, lambda tensor: sum(value == 0 for value in entries(tensor)) / tensor.numel(), given=given)
