"""A step whose loss was far above those of the steps before it, and the samples that carried it."""

from typing import Annotated

from pydantic import Field

from ..kernel.spec import Fraction, Items, Spec
from .preflight import Count

MOST_SPIKES, MOST_ROWS = 20, 20
"""Spikes of a run, and rows of each, that are kept."""


class Spike(Spec):
    """One step with an unusual loss."""

    step: Count
    loss: float
    """The loss of the step's batch."""
    usual: float
    """Median loss of the 32 steps before."""
    batch_rows: Count | None = None
    """Number of rows of the batch; null if their losses are not known."""
    rows: Annotated[Items[Count], Field(max_length=MOST_ROWS)] = ()
    """The rows with the largest losses, counted from 0: as few as carry half of what their losses are above the median
    row's."""
    carried: Fraction | None = None
    """The fraction of that excess which `rows` carry; null if the losses of the rows are not known."""
