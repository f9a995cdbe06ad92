from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed
from ..phrase import outcome_in_words
from ..thresholds import Thresholds
from .base import Order, Rule


class UnseenSteps(Rule):
    """The outputs of a network over sequences depend on one step only, or their gradient reaches one step only."""

    condition: Literal["unseen_steps"] = "unseen_steps"
    source: ClassVar[str] = "definition: outputs that do not change with an input, or have no gradient to it"
    uses: ClassVar[tuple[str, ...]] = ("learned",)
    usual_blames: ClassVar[tuple[Blame, ...]] = ("wiring", "architecture")

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        """None also where the network learned: then the one step was enough."""
        seen = record.preflight.order if record.preflight is not None else None
        if seen is None or not (seen.sees_only or seen.cut) or not failed(features, thresholds):
            return None
        what = (
            f"The outputs change with the {seen.sees_only} of {seen.steps} steps only: look for an output that is read"
            " at the wrong step, or a mask that hides the others"
            if seen.sees_only
            else f"The gradient of the outputs reaches the last of {seen.steps} steps only, although the others matter:"
            " look for a state that is cut from the graph (detach) at every step"
        )
        return self.finding(
            features,
            harm=True,
            confidence=0.85,
            evidence=(Evidence("steps_of_a_sample", float(seen.steps), "steps"),),
            summary=f"{what}; {outcome_in_words(features, thresholds)}.",
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.NO_ORDER
