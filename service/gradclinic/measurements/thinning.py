"""Which steps of a record are kept when the statistics of an old run are thinned."""

from collections.abc import Collection

import numpy as np

from .record import Series

POINTS = 200
"""Evenly spaced steps that are kept of each statistic."""
BESIDE = 2
"""Recorded steps that are kept before and after each one that matters."""


def thin(series: Series, *, around: Collection[int] = (), points: int = POINTS) -> Series:
    """A part of a series [n, L] that charts and findings can be told from; every kept value is as it was measured.

    Kept are `points` evenly spaced records with the first and the last, at each of the L places those with the smallest
    and the largest finite value, the first one with a value that is not finite, and those beside each step in `around`:
    at most points + 2 L + 1 + (2 BESIDE + 1) len(around) of the n.
    """
    count = len(series)
    if count <= points:
        return series
    kept = {*np.linspace(0, count - 1, points).round().astype(int).tolist()}
    finite = np.isfinite(series.values)
    kept |= {*np.argmin(np.where(finite, series.values, np.inf), axis=0).tolist()}
    kept |= {*np.argmax(np.where(finite, series.values, -np.inf), axis=0).tolist()}
    kept |= {*np.flatnonzero(~finite.all(axis=1))[:1].tolist()}
    for step in around:
        place = int(np.searchsorted(series.steps, step))
        kept |= {*range(max(0, place - BESIDE), min(count, place + BESIDE + 1))}
    chosen = np.array(sorted(kept))
    return Series(series.steps[chosen], np.ascontiguousarray(series.values[chosen]))
