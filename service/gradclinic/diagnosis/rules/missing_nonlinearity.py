from collections.abc import Sequence
from typing import ClassVar, Literal

from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import RELU
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..learnable import fit_evidence, is_curved
from ..outcome import NOTHING_LEARNED, WELL, blown_up, failed
from ..phrase import against_constant, counted, outcome_in_words, percent
from ..reliability import IN_PROGRAMS
from ..thresholds import Thresholds
from .base import Order, Rule


class MissingNonlinearity(Rule):
    """There is no activation between the layers, so together they are one linear layer."""

    condition: Literal["missing_nonlinearity"] = "missing_nonlinearity"
    source: ClassVar[str] = "definition: a product of matrices is a matrix"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        if record.preflight is None:
            return None
        hidden = [site for site in record.sites if site.kind == "pre_activation"]
        if not (hidden or _has_no_hidden_layer(record)) or not _is_linear(record):
            return None
        return self.finding(
            features,
            harm=_does_harm(features, record, thresholds, is_meant=not hidden),
            confidence=IN_PROGRAMS[self.condition].rightly,
            layers=tuple(site.name for site in hidden),
            evidence=(
                Evidence("hidden_layers_without_activation", float(len(hidden)), "layers", 0.0),
                *(fit_evidence(record) if is_curved(record) else ()),
            ),
            summary=_summary(len(hidden))
            + (_curve(features, record) or f"; {outcome_in_words(features, thresholds)}")
            + ".",
            blames=("hidden_activation", "architecture") if hidden else ("architecture", "hidden_activation"),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        """A linear network has no reason of its own to diverge."""
        return Order.NO_NONLINEARITY_BLOWN_UP if blown_up(features, thresholds) else Order.NO_NONLINEARITY

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (RELU,) if finding.layers else ()


def _does_harm(features: Features, record: RunRecord, thresholds: Thresholds, *, is_meant: bool) -> bool:
    """Whether it explains what was not learned. Where data may be linear, more steps may do where a part was learned.

    `is_meant`: it has a single layer, whose author may have wanted a linear function.
    """
    loss, curved = features.relative_train_loss, is_curved(record)
    if failed(features, thresholds):
        return curved or loss is None or loss > NOTHING_LEARNED
    return curved and features.finished and loss is not None and loss > WELL and not is_meant


def _summary(hidden: int) -> str:
    if not hidden:
        return "The network is one linear layer: add hidden layers, with an activation such as ReLU after each"
    return (
        f"No activation follows the {counted(hidden, 'hidden layer')}, so the whole network is linear: add one, for"
        " example ReLU"
    )


def _curve(features: Features, record: RunRecord) -> str:
    """What a linear function can reach, as a sentence that ends without its full stop; empty if that is not known."""
    fit, loss = record.preflight.fit if record.preflight is not None else None, features.relative_train_loss
    if fit is None or loss is None or not is_curved(record):
        return ""
    return (
        f". Of the variance of targets that it did not see, a linear function leaves {percent(fit.line_left)}, a smooth"
        f" curve {percent(fit.curve_left)}; the training loss ended at {against_constant(loss)}"
    )


def _has_no_hidden_layer(record: RunRecord) -> bool:
    return len(record.weights) > 0 and all(weight.readout for weight in record.weights)


def _is_linear(record: RunRecord) -> bool:
    """What was seen before the first step, or else whether every place that is recorded has no activation."""
    if record.preflight is not None and record.preflight.linear is not None:
        return record.preflight.linear
    return all(site.kind == "pre_activation" and site.activation == "identity" for site in record.sites)
