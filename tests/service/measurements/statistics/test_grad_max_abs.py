import math

from .computed import check, computed, entries, tensors

NAMES = ("site_grad_max_abs", "weight_grad_max_abs")


def test_it_is_the_largest_absolute_value():
    check(NAMES, lambda tensor: max(map(abs, entries(tensor))), given=tensors())


def test_it_is_not_finite_where_an_entry_is_not():
    found = computed(NAMES[0], tensors(special=True))
    assert [math.isfinite(each) for each in found] == [False, False, True, True, True, True]
