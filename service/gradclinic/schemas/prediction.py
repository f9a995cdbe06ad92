"""Responses about predictions."""

from .base import Answer


class SitePredictionAnswer(Answer):
    """The prediction for one site (a layer output whose gradient is measured)."""

    name: str
    q: float
    """Second moment of the site's values."""
    chi: float | None
    """Factor by which the total square of the gradient grows from the next site to this one; null at the last."""
    log10_relative_gradient: float
    """log10 of the gradient at this site divided by the gradient at the last site."""
    factor_doubt: float
    """Uncertainty of the factor to the next site due to the theory, in orders of magnitude."""


class PredictionAnswer(Answer):
    """The predicted gradient profile before the first step, or the reason why there is none."""

    sites: list[SitePredictionAnswer]
    depth_slope: float | None
    """Gradient decay: orders of magnitude by which the gradient shrinks from output to input; negative if it grows."""
    expected_error: float | None
    """Standard deviation of `depth_slope` over draws of the weights, around the prediction."""
    reason: str | None
    """Why there is no prediction; null if there is one."""
    assumptions: list[str]
    source: str
    warning: str | None
    """One sentence if gradients are predicted to vanish or explode before training; otherwise null."""
