from .computed import check, computed, entries, tensors

NAMES = ("site_grad_mean_abs", "weight_grad_mean_abs")


def test_it_is_the_mean_of_the_absolute_values():
    check(NAMES, lambda tensor: sum(map(abs, entries(tensor))) / tensor.numel(), given=tensors(), rel=1e-6)


def test_a_sum_that_its_precision_cannot_hold_is_still_right():
    large = [60_000 * each.sign().half() for each in tensors()]
    assert computed(NAMES[0], large) == [60_000.0] * len(large)
