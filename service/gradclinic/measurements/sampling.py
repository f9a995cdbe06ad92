"""Downsamples a series for charts by joining buckets of steps, and reports it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .record import FloatArray, IntArray, Series

Aggregate = Literal["none", "max", "mean", "minmax"]


@dataclass(frozen=True)
class Sampled:
    """A series, possibly downsampled; `low` and `high` differ only for the aggregate `minmax`."""

    steps: IntArray
    """[n]: the first step of each bucket."""
    low: FloatArray
    """[n, L]"""
    high: FloatArray
    """[n, L]"""
    sampled: bool
    source_points: int


def sample(series: Series, *, max_points: int | None, aggregate: Aggregate = "none") -> Sampled:
    """At most `max_points` rows of a series; every aggregate preserves NaN and infinity.

    `none` keeps evenly spaced rows, including the first and the last. The others aggregate buckets of equal size:
    the `max` or `mean` of each, or both extremes (`minmax`).
    """
    count = len(series)
    if max_points is None or count <= max_points:
        return Sampled(series.steps, series.values, series.values, sampled=False, source_points=count)
    if aggregate == "none":
        kept = np.unique(np.linspace(0, count - 1, max_points).round().astype(int))
        values = series.values[kept]
        return Sampled(series.steps[kept], values, values, sampled=True, source_points=count)
    starts = np.unique(np.linspace(0, count, max_points, endpoint=False).astype(int))
    with np.errstate(invalid="ignore", over="ignore"):
        if aggregate == "mean":
            counts = np.diff(np.append(starts, count))
            sums = np.add.reduceat(series.values.astype(np.float64), starts, axis=0)
            low = high = (sums / counts[:, None]).astype(np.float32)
        else:
            high = np.maximum.reduceat(series.values, starts, axis=0)
            low = np.minimum.reduceat(series.values, starts, axis=0) if aggregate == "minmax" else high
    return Sampled(series.steps[starts], low, high, sampled=True, source_points=count)
