from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.preflight import OrderFacts
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed, still_falling
from ..phrase import outcome_in_words
from ..thresholds import Thresholds
from .base import Order, Rule
from .unrelated_targets import are_unrelated


class WrongMask(Rule):
    """The mask of an attention shows steps that hold the answer, or hides steps that are needed.

    A network that sees its next input, which is its target, copies it: the training loss falls, and it cannot predict.
    While the loss still falls, no harm is said of a mask that hides steps: many causal networks predict something else
    than the next step.
    """

    condition: Literal["wrong_mask"] = "wrong_mask"
    source: ClassVar[str] = "Vaswani et al. 2017, arXiv:1706.03762, 3.2.3: masks keep a decoder from seeing its answer"
    uses: ClassVar[tuple[str, ...]] = ("learned",)
    usual_blames: ClassVar[tuple[Blame, ...]] = ("architecture", "wiring")

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight.order if record.preflight is not None else None
        if seen is None or not (_shows_answers(seen) or (hides_steps(record) and failed(features, thresholds))):
            return None
        when = " in training, although not in evaluation" if seen.in_training_only else ""
        what = (
            f"The output of each step sees the next step{when}, which is its target: give the attention a causal mask"
            if _shows_answers(seen)
            else "The output of each step sees only earlier steps, although its target is not the next one: leave out"
            " the causal mask if later steps are needed"
        )
        return self.finding(
            features,
            harm=_shows_answers(seen) or not still_falling(features),
            confidence=_SHOWS_RIGHTLY if _shows_answers(seen) else _HIDES_RIGHTLY,
            evidence=(Evidence("steps_of_a_sample", float(seen.steps), "steps"),),
            summary=f"{what}; {outcome_in_words(features, thresholds, shows_nothing=_shows_answers(seen))}.",
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        seen_at_once = not failed(features, thresholds)
        return Order.LOSS_OR_OUTPUT if seen_at_once else Order.NO_ORDER


def _shows_answers(seen: OrderFacts) -> bool:
    return seen.predicts_next and seen.sees_later is True


_SHOWS_RIGHTLY, _HIDES_RIGHTLY = 0.75, 0.6
"""Judgements: a target that is seen needs no foresight, but none led a diagnosis of `benchmark diagnosis`. Hidden steps
led two, and once the targets were those of another text, which is told apart since."""


def hides_steps(record: RunRecord) -> bool:
    """Whether a causal mask hides steps that may be needed, unless the targets depend on none of them."""
    seen = record.preflight
    if seen is None or seen.order is None or (seen.pairing is not None and are_unrelated(seen.pairing)):
        return False
    return not seen.order.predicts_next and seen.order.sees_later is False
