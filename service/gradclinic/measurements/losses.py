"""A run's losses relative to always predicting the average, and where they rise.

Always predicting the average means: the same output for every input, the best constant. Its loss is the entropy of
the classes, or the variance of the targets for squared error. A relative loss of 1 means nothing was learned.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .profile import Array
from .record import Outcome, RunRecord, Series

Steps = npt.NDArray[np.int32]

LEARNED = 0.5
"""A network learned, and reached its target, once its loss is at most this fraction of that of always predicting the
average."""
MIN_PROBES = 8
"""Minimum number of probe points to distinguish oscillations from a trend."""


@dataclass(frozen=True)
class Swings:
    """Changes of a loss between successive probes, relative to always predicting the average."""

    intervals: int
    rises: int
    total_rise: float
    net_change: float
    """First minus last; positive if the loss fell."""
    steps: tuple[int, ...]
    """The steps at which rises ended."""

    @property
    def share(self) -> float:
        """Fraction of intervals in which the loss rises."""
        return self.rises / self.intervals if self.intervals else 0.0


def batch_losses(record: RunRecord) -> Array:
    """The training loss of each recorded step, shape (recorded steps,), in the loss's own unit; NaN where it broke."""
    return record.get("train_loss").values[:, 0].astype(np.float64)


def at_first(losses: Array) -> float:
    """Where a loss began: the median of its first eighth, and of one value at least; NaN if there is none."""
    return float(np.median(losses[: _eighth(losses)])) if len(losses) else float("nan")


def at_last(losses: Array) -> float:
    """Where a loss ended: the median of its last eighth, and of one value at least; NaN if there is none."""
    return float(np.median(losses[-_eighth(losses) :])) if len(losses) else float("nan")


def _eighth(losses: Array) -> int:
    return max(1, len(losses) // 8)


def relative_losses(
    series: Series, outcome: Outcome | None, *, span: tuple[float, float] | None = None
) -> tuple[Steps, Array]:
    """Steps and finite losses relative to always predicting the average; empty if its loss is unknown or not > 0.

    `span`: the loss's floor and its value for the best constant, where both were fitted; losses then count above it.
    """
    known = outcome.constant_loss if outcome is not None and outcome.constant_loss is not None else float("nan")
    floor, constant = span if span is not None else (0.0, known)
    usable = np.isfinite(series.values[:, 0]) & bool(np.isfinite(constant) and constant > floor)
    with np.errstate(divide="ignore", invalid="ignore"):
        return series.steps[usable], (series.values[usable, 0].astype(np.float64) - floor) / (constant - floor)


def swings(steps: Steps, losses: Array, *, rise: float, start: float = 0.0) -> Swings | None:
    """Rises above `rise` between probes, from step `start` on; None with fewer than 8 probes in total."""
    if len(losses) < MIN_PROBES:
        return None
    kept = steps >= start
    losses, steps = losses[kept], steps[kept]
    if len(losses) < 2:
        return None
    changes = np.diff(losses)
    rising = changes > rise
    return Swings(
        intervals=len(changes),
        rises=int(rising.sum()),
        total_rise=float(changes[rising].sum()),
        net_change=float(losses[0] - losses[-1]),
        steps=tuple(int(step) for step in steps[1:][rising]),
    )
