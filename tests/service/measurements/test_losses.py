"""The losses of single batches, and where they begin and end."""

from math import isnan

import numpy as np
import pytest

from gradclinic.measurements.losses import at_first, at_last, batch_losses
from tests.service.diagnosis.records import changed, healthy_record


def test_the_loss_of_each_recorded_step_is_there_in_double_precision():
    record = changed(healthy_record(), {"train_loss": 3.0})
    losses = batch_losses(record)
    assert losses.dtype == np.float64
    assert losses.shape == record.get("train_loss").steps.shape
    assert set(losses) == {3.0}


@pytest.mark.parametrize(("n", "first", "last"), [(1, 0, 0), (7, 0, 6), (15, 0, 14), (16, 0.5, 14.5), (24, 1, 22)])
def test_a_loss_begins_and_ends_at_the_median_of_its_first_and_last_eighth(n, first, last):
    losses = np.arange(float(n))
    assert (at_first(losses), at_last(losses)) == (first, last)


def test_where_there_is_no_loss_there_is_no_beginning_and_no_end():
    assert isnan(at_first(np.zeros(0)))
    assert isnan(at_last(np.zeros(0)))
