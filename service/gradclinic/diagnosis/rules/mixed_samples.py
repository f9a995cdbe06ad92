from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.preflight import MixingFacts
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import not_known_to_have_learned
from ..phrase import outcome_in_words
from ..thresholds import Thresholds
from .base import Order, Rule

_Fault = tuple[str, float, tuple[Blame, ...]]


class MixedSamples(Rule):
    """The output for one sample depends on other samples of its batch, because axes were confused.

    A network may learn in spite of it. It does harm anyway where samples have axes that were confused: the prediction
    for a sample then depends on which others come with it.
    """

    condition: Literal["mixed_samples"] = "mixed_samples"
    source: ClassVar[str] = "definition: samples of a batch are independent, but for a norm over the batch"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight.mixing if record.preflight is not None else None
        if seen is None or not seen.influence:
            return None
        summary, confidence, blames = _fault(seen)
        return self.finding(
            features,
            harm=not_known_to_have_learned(features, thresholds) or seen.has_axes,
            confidence=confidence,
            evidence=(Evidence("influence_of_other_samples", seen.influence, "fraction", 0.0),),
            summary=f"{summary}; {outcome_in_words(features, thresholds)}.",
            blames=blames,
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.LOSS_OR_OUTPUT


def _fault(seen: MixingFacts) -> _Fault:
    if seen.over_samples:
        summary = (
            "Each output sums to 1 over the samples of a batch: the softmax goes over the batch, so give it the axis of"
            " the classes (dim=1 or dim=-1)"
        )
        return summary, 0.97, ("output_activation", "wiring")
    found = "The output for one sample changes when another sample of its batch is replaced: "
    if seen.of_ends:
        return (
            (
                "The outputs of other samples change with the first or the last sample of the batch alone: look for an"
                " index that takes one sample for all, such as [0], [:1] or [-1], or a largest value over the batch"
            ),
            0.85,
            ("wiring", "architecture"),
        )
    if not seen.has_axes:
        advice = (
            "unless samples are meant to interact, look for an operation over the batch (dim=0, or a recurrent layer"
            " that reads the batch as time)"
        )
        return found + advice, 0.5, ("wiring", "architecture")
    if seen.later_only:
        advice = "the batch is read as if it were time, so give the recurrent layer batch_first=True, or put time first"
        return found + advice, 0.9, ("wiring", "architecture", "data")
    advice = (
        "look for an axis that is taken for another, by view or reshape where transpose or permute is meant, by"
        " batch_first, or by dim=0 (unless samples are meant to interact)"
    )
    return found + advice, 0.85, ("wiring", "architecture", "data")
