"""What theory predicts of a network, as it is returned."""

from .base import Answer


class SitePredictionAnswer(Answer):
    """What theory says of one site."""

    name: str
    q: float
    """Second moment of the site's value."""
    chi: float | None
    """Factor by which the total square of the gradient grows from the next site to this one; null at the last."""
    log10_relative_gradient: float
    """log10 of the gradient here over the gradient at the last site."""
    factor_doubt: float
    """Orders of magnitude by which theory itself may miss the factor to the next site."""


class PredictionAnswer(Answer):
    """The predicted gradient profile before the first step, or the reason why there is none."""

    sites: list[SitePredictionAnswer]
    depth_slope: float | None
    """Orders of magnitude that the gradient loses from output to input; negative where it gains."""
    expected_error: float | None
    """Standard deviation of one draw's depth slope about the prediction."""
    reason: str | None
    """Why theory has nothing to say here; null where it has."""
    assumptions: list[str]
    source: str
    warning: str | None
    """One sentence for a network that is sick before it is trained; null for any other."""
