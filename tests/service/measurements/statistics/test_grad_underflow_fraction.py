import pytest
import torch

from .computed import PRECISIONS, check, computed, entries, tensors

NAME = "site_grad_underflow_fraction"


@pytest.mark.parametrize("precision", PRECISIONS)
def test_it_counts_what_is_below_the_smallest_normal_number_but_not_0(precision):
    normal = torch.finfo(precision).smallest_normal
    given = tensors(precision=precision, special=True)
    check(
        [NAME], lambda tensor: sum(0 < abs(value) < normal for value in entries(tensor)) / tensor.numel(), given=given
    )


def test_the_smallest_normal_number_itself_has_all_its_digits():
    assert computed(NAME, [torch.tensor([[2.0**-126, 2.0**-127, 0.0, 1.0]])]) == [0.25]
