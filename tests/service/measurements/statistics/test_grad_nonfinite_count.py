import math

import pytest

from .computed import PRECISIONS, check, entries, tensors

NAMES = ("site_grad_nonfinite_count", "weight_grad_nonfinite_count")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_it_counts_nan_and_both_infinities(precision):
    given = tensors(precision=precision, special=True)
    check(NAMES, lambda tensor: sum(not math.isfinite(value) for value in entries(tensor)), given=given)
