from collections.abc import Sequence
from math import inf, log
from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.preflight import (
    BOUNDS,
    LossFacts,
    OutputFacts,
    Preflight,
    TargetFacts,
    least_binary_cross_entropy,
    least_cross_entropy,
)
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import LOG_PROBABILITIES, PLAIN_OUTPUTS, USUAL_LOSS
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import not_known_to_have_learned
from ..phrase import outcome_in_words
from ..thresholds import Thresholds
from .base import Order, Rule

_Fault = tuple[str, tuple[Evidence, ...], float, tuple[Blame, ...]]


class LossMismatch(Rule):
    """The loss does not fit the outputs or targets that it receives."""

    condition: Literal["loss_mismatch"] = "loss_mismatch"
    source: ClassVar[str] = "definition of each loss in torch.nn; Goodfellow et al. 2016, Deep Learning, 6.2.2"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
        found = _fault(seen) if seen is not None else None
        if found is None:
            return None
        summary, evidence, confidence, blames = found
        return self.finding(
            features,
            harm=not_known_to_have_learned(features, thresholds),
            confidence=confidence,
            evidence=evidence,
            summary=f"{summary}; {outcome_in_words(features, thresholds)}.",
            blames=blames,
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.LOSS_OR_OUTPUT

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (PLAIN_OUTPUTS, USUAL_LOSS, LOG_PROBABILITIES)


def _fault(seen: Preflight) -> _Fault | None:
    loss, outputs, targets = seen.loss, seen.outputs, seen.targets
    if loss is None or outputs is None:
        return None
    return (
        _of_outputs(loss, outputs)
        or _of_bounded_logits(loss, outputs, targets)
        or (_of_targets(loss, outputs, targets) if targets is not None else None)
    )


def has_no_floor(loss: LossFacts, outputs: OutputFacts) -> bool:
    """Whether the loss falls without end as the outputs grow, since they should be log-probabilities and are not."""
    return loss.takes == "log_probabilities" and loss.name == "NLLLoss" and outputs.form != "log_probabilities"


def _of_outputs(loss: LossFacts, outputs: OutputFacts) -> _Fault | None:
    if loss.name == "CrossEntropyLoss" and outputs.columns == 1:
        return (
            (
                "Cross entropy over a single output is 0 whatever the weights are: a yes-or-no output needs"
                " BCEWithLogitsLoss"
            ),
            (Evidence("output_units", 1.0, "units", 2.0),),
            0.99,
            ("loss", "output_activation"),
        )
    if has_no_floor(loss, outputs):
        return (
            (
                f"{loss.name} takes log-probabilities, and gets {_in_words(outputs)}: it has no lower bound then; put a"
                " log_softmax before it, or use CrossEntropyLoss"
            ),
            (Evidence("largest_output", outputs.high, "output", 0.0),),
            0.97,
            ("loss", "output_activation"),
        )
    return None


def _of_bounded_logits(loss: LossFacts, outputs: OutputFacts, targets: TargetFacts | None) -> _Fault | None:
    low, high = BOUNDS.get(outputs.activation or "", (-inf, inf))
    if loss.takes != "logits" or not (low >= 0 or high - low < inf):
        return None
    if high == inf:
        return (
            (
                f"{loss.name} takes logits of both signs, and the {outputs.activation} at the output gives none below"
                f" 0, so no class can be ruled out; drop the {outputs.activation}"
            ),
            (Evidence("smallest_output", outputs.low, "output"),),
            0.6,
            ("output_activation", "loss"),
        )
    if loss.name == "CrossEntropyLoss":
        floor, chance = least_cross_entropy(max(2, outputs.columns), outputs.activation), log(max(2, outputs.columns))
    else:
        ones = targets.mean if targets is not None and 0.0 < targets.mean < 1.0 else 0.5
        floor = least_binary_cross_entropy(ones, outputs.activation)
        chance = -ones * log(ones) - (1.0 - ones) * log(1.0 - ones)
    return (
        (
            f"{loss.name} takes logits, and gets the outputs of a {outputs.activation}: it cannot fall below"
            f" {floor:.2f} nats, where guessing costs {chance:.2f}; drop the {outputs.activation}"
        ),
        (Evidence("least_loss", floor, "nats", 0.0),),
        0.97,
        ("output_activation", "loss"),
    )


def _of_targets(loss: LossFacts, outputs: OutputFacts, targets: TargetFacts) -> _Fault | None:
    if loss.broadcasts:
        return (
            (
                f"{loss.name} compares every output with every target, since their shapes differ and are broadcast:"
                " give both the same shape"
            ),
            (Evidence("target_columns", float(targets.columns), "columns", float(outputs.columns)),),
            0.9,
            ("loss", "data"),
        )
    if loss.name == "CrossEntropyLoss" and targets.form == "multi_hot" and targets.columns > 1:
        return (
            (
                f"Cross entropy takes one class a row, and the targets' rows hold {targets.mean * targets.columns:.2g}"
                " labels on average: labels that are independent need BCEWithLogitsLoss"
            ),
            (Evidence("targets_per_row", targets.mean * targets.columns, "labels", 1.0),),
            0.9,
            ("loss", "output_activation"),
        )
    is_class = targets.form in ("one_hot", "indices") or (targets.form == "multi_hot" and targets.columns == 1)
    few = targets.whole and 2 < targets.distinct <= 20 and targets.low >= 0 and targets.columns == 1
    if loss.takes == "numbers" and (is_class or few):
        return (
            (
                f"The targets are classes ({targets.distinct} different ones), and {loss.name} treats them as numbers:"
                " cross entropy fits classes"
            ),
            (Evidence("distinct_targets", float(targets.distinct), "targets"),),
            0.5 if is_class and targets.form != "indices" else 0.6,  # zeros and ones can be fitted (the Brier score)
            ("loss", "output_activation"),
        )
    return None


def _in_words(outputs: OutputFacts) -> str:
    return "probabilities" if outputs.form == "probabilities" else "plain numbers"
