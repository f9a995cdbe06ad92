from collections.abc import Sequence
from typing import ClassVar, Literal

from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import RELU
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import NOTHING_LEARNED, blown_up, failed
from ..phrase import counted, outcome_in_words
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
        loss = features.relative_train_loss
        learned_a_part = loss is not None and loss <= NOTHING_LEARNED  # more steps may do as well, or it is the data
        return self.finding(
            features,
            harm=failed(features, thresholds) and not learned_a_part,
            confidence=IN_PROGRAMS[self.condition].rightly,
            layers=tuple(site.name for site in hidden),
            evidence=(Evidence("hidden_layers_without_activation", float(len(hidden)), "layers", 0.0),),
            summary=f"{_summary(len(hidden))}; {outcome_in_words(features, thresholds)}.",
            blames=("hidden_activation", "architecture") if hidden else ("architecture", "hidden_activation"),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        """A linear network has no reason of its own to diverge."""
        return Order.NO_NONLINEARITY_BLOWN_UP if blown_up(features, thresholds) else Order.NO_NONLINEARITY

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (RELU,) if finding.layers else ()


def _summary(hidden: int) -> str:
    if not hidden:
        return "The network is one linear layer: add hidden layers, with an activation such as ReLU after each"
    return (
        f"No activation follows the {counted(hidden, 'hidden layer')}, so the whole network is linear: add one, for"
        " example ReLU"
    )


def _has_no_hidden_layer(record: RunRecord) -> bool:
    return len(record.weights) > 0 and all(weight.readout for weight in record.weights)


def _is_linear(record: RunRecord) -> bool:
    """What was seen before the first step, or else whether every place that is recorded has no activation."""
    if record.preflight is not None and record.preflight.linear is not None:
        return record.preflight.linear
    return all(site.kind == "pre_activation" and site.activation == "identity" for site in record.sites)
