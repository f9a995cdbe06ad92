"""The numbers of a run that comparisons take, from what it recorded."""

from math import log10
from typing import Any

import numpy as np

from ..diagnosis import extract
from ..measurements.record import RunRecord

RISE = 0.05
"""A rise of the probe loss counts as a spike from this share of the constant predictor's loss on, as in the rules."""


MEASURED_FROM = ("site_grad_rms", "train_loss", "probe_loss", "update_to_weight_ratio")
"""The statistics that `measured` needs of a record."""


def metrics_of(record: RunRecord) -> dict[str, Any]:
    """The metrics of a finished run by the contract's names, and those that only comparisons show.

    Non-finite values stay floats; a run that has not ended has none.
    """
    outcome = record.outcome
    if outcome is None:
        return {}
    return {
        **outcome.metrics,
        "peak_memory_bytes": outcome.peak_memory_bytes,
        "steps_done": outcome.steps_done,
        "nonfinite_step": outcome.nonfinite_step,
        **measured(record),
    }


def measured(record: RunRecord) -> dict[str, float | None]:
    """What comparisons show beside the contract's metrics, from a run's statistics."""
    features = extract(record)
    swings = features.swings(skip=0.0, rise=RISE)
    return {
        "depth_slope": features.depth_slope_start,
        "depth_slope_early": features.depth_slope_early,
        "update_decades": update_decades(record),
        "loss_spikes": swings.rises if swings is not None else None,
    }


def update_decades(record: RunRecord) -> float | None:
    """log10 of the first hidden layer's median update-to-weight ratio over the last hidden layer's, over the steps.

    -1: the first layer changes by a tenth of what the last one does. None where either did not move, or there is no
    second hidden layer.
    """
    hidden = [index for index, weight in enumerate(record.weights) if not weight.readout and weight.trainable]
    ratio = record.get("update_to_weight_ratio").values
    if len(hidden) < 2 or not len(ratio):
        return None
    columns = [ratio[:, index].astype(np.float64) for index in (hidden[0], hidden[-1])]
    if any(np.isnan(column).all() for column in columns):
        return None  # weights that start at zero have no size to compare a step with
    first, last = (float(np.nanmedian(column)) for column in columns)
    return log10(first / last) if first > 0 and last > 0 and np.isfinite(first / last) else None
