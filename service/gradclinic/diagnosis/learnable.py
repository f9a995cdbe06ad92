"""What two simple fits show of the data: whether they are curved, and how much a network leaves that can be learned."""

from ..measurements.record import RunRecord
from .features import Features
from .finding import Evidence
from .outcome import WELL

_MUCH = 0.1
"""Part of the targets' variance from which a fit is better than another, or than the network. A judgement: of 66
correct programs with targets that are numbers, none is left by 0.1 more than its curve leaves."""
_SURELY = 4.0
"""Standard errors from which one fit is better than the other, whatever the noise."""
_AVERAGED = ("MSELoss", "mse_loss")


def is_curved(record: RunRecord) -> bool:
    """Whether a curve predicts unseen targets much better than a line, so that no linear network fits them."""
    fit = record.preflight.fit if record.preflight is not None else None
    if fit is None:
        return False
    gained = fit.line_left - fit.curve_left
    return gained >= _MUCH and gained >= _SURELY * fit.error


def left_to_learn(features: Features, record: RunRecord) -> float | None:
    """Part of the targets' variance that a curve explains in unseen samples and the network not in those that it saw.

    None if that is little, the network learned well, its loss is no squared error, or one of its layers is narrower
    than the targets, as the code of an autoencoder is by design.
    """
    seen, loss = record.preflight, features.relative_train_loss
    if seen is None or seen.fit is None or seen.loss is None or loss is None or not features.finished:
        return None
    if _is_narrower_than_targets(record):
        return None
    left = loss - seen.fit.curve_left
    return left if seen.loss.name in _AVERAGED and loss > WELL and left >= _MUCH else None


def _is_narrower_than_targets(record: RunRecord) -> bool:
    targets = record.preflight.targets if record.preflight is not None else None
    units = [site.units for site in record.sites if site.kind == "pre_activation"]
    return targets is not None and min(units, default=targets.columns) < targets.columns


def fit_evidence(record: RunRecord) -> tuple[Evidence, ...]:
    """What the line and the curve leave."""
    fit = record.preflight.fit if record.preflight is not None else None
    if fit is None:
        return ()
    return (Evidence("curve_left", fit.curve_left, "fraction"), Evidence("line_left", fit.line_left, "fraction"))
