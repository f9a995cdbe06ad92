import numpy as np

from gradclinic.measurements.growing import GrowingSeries
from gradclinic.measurements.record import Series


def window(first: int, end: int, *, places: int = 2) -> Series:
    steps = np.arange(first, end, dtype=np.int32)
    return Series(steps, np.outer(steps, np.arange(1, places + 1)).astype(np.float32))


def assert_same(found: Series, expected: Series) -> None:
    assert found.steps.tolist() == expected.steps.tolist()
    assert found.values.tolist() == expected.values.tolist()


def test_windows_are_one_series_in_the_order_they_came_in():
    growing = GrowingSeries({"site_grad_rms": window(0, 10)})
    for first in range(10, 500, 7):
        growing.append({"site_grad_rms": window(first, first + 7)})
    assert_same(growing.series()["site_grad_rms"], window(0, 500))


def test_what_was_read_stays_as_it_was():
    growing = GrowingSeries()
    growing.append({"train_loss": window(0, 3, places=1)})
    before = growing.series()["train_loss"]
    growing.append({"train_loss": window(3, 200, places=1)})
    assert_same(before, window(0, 3, places=1))


def test_reading_copies_nothing():
    growing = GrowingSeries({"train_loss": window(0, 3)})
    first, second = growing.series()["train_loss"], growing.series()["train_loss"]
    assert np.shares_memory(first.values, second.values)


def test_a_statistic_may_begin_late():
    growing = GrowingSeries({"train_loss": window(0, 3)})
    growing.append({"grad_cosine": window(2, 4)})
    assert_same(growing.series()["grad_cosine"], window(2, 4))
