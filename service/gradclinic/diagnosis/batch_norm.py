"""What batch norm itself does to the gradient over the depth."""

from math import log10, pi, sqrt

from ..measurements.record import RunRecord

_GROWTH = log10(sqrt(pi / (pi - 1.0)))
"""Orders of magnitude by which one batch norm before a ReLU lets the gradient grow towards the input, whatever the
weights are. Yang et al. 2019, A mean field theory of batch normalization, arXiv:1902.08129; networks of up to about 50
such layers can be trained."""


def explains_growth(record: RunRecord, slope: float | None) -> bool:
    """Whether the batch norms of a network alone let its gradient grow by this much (`slope` is below 0)."""
    norm = record.preflight.norm if record.preflight is not None else None
    if slope is None or norm is None or norm.layers is None:
        return False
    return -slope <= norm.layers * _GROWTH
