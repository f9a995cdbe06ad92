import numpy as np
import torch

from gradclinic.measurements.record import Series
from gradclinic_torch.measure.series_buffer import SeriesBuffer


def series(*steps: int) -> Series:
    return Series(np.array(steps, np.int32), np.array([[float(step)] for step in steps], np.float32))


def test_what_was_recorded_elsewhere_precedes_what_is_recorded_here():
    buffer = SeriesBuffer()
    buffer.adopt({"train_loss": series(0, 1)})
    buffer.adopt({"train_loss": series(2), "probe_loss": series(0)})
    assert buffer.last_step == 2
    buffer.put("train_loss", 3, torch.tensor([3.0]))
    flushed = buffer.flush()
    assert flushed["train_loss"].steps.tolist() == flushed["train_loss"].values[:, 0].tolist() == [0, 1, 2, 3]
    assert flushed["probe_loss"].steps.tolist() == [0]
    assert (buffer.last_flushed, buffer.flush()) == (3, {})
