"""How the learning rate of a run falls."""

import numpy as np

from ..measurements.record import RunRecord

NEXT_TO_NOTHING = 0.01
"""Learning rate over its largest from which steps count for nothing."""


def faded(record: RunRecord) -> float | None:
    """The learning rate halfway over its largest, if next to nothing was left of it; None otherwise."""
    rates = record.get("learning_rate")
    if len(rates) < 2:
        return None
    values = rates.values[:, 0].astype(np.float64)
    halfway = values[min(len(values) - 1, int(rates.steps.searchsorted(0.5 * rates.steps[-1])))]
    largest = float(np.nanmax(values))
    return float(halfway / largest) if largest > 0 and halfway < NEXT_TO_NOTHING * largest else None


def gone_after(record: RunRecord) -> float | None:
    """Fraction of the steps after which the rate is next to nothing for good; None if it is not at the end."""
    rates = record.get("learning_rate")
    if len(rates) < 2:
        return None
    values = rates.values[:, 0].astype(np.float64)
    largest = float(np.nanmax(values))
    high = np.flatnonzero(values >= NEXT_TO_NOTHING * largest)
    if not largest > 0 or not len(high) or high[-1] == len(values) - 1:
        return None
    return float(rates.steps[high[-1] + 1]) / max(1, int(rates.steps[-1]))
