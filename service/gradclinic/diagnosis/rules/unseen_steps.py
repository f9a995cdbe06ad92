from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.preflight import OrderFacts
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed
from ..phrase import outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule


class UnseenSteps(Rule):
    """The outputs depend on one step of a sequence or on its padding only, or their gradient reaches one step only."""

    condition: Literal["unseen_steps"] = "unseen_steps"
    source: ClassVar[str] = "definition: outputs that do not change with an input, or have no gradient to it"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        """None also where the network learned: then what it sees was enough."""
        seen = record.preflight.order if record.preflight is not None else None
        found = _fault(seen) if seen is not None and failed(features, thresholds) else None
        if seen is None or found is None:
            return None
        what, blames = found
        return self.finding(
            features,
            harm=True,
            confidence=_RIGHTLY,
            evidence=(
                Evidence("steps_of_a_sample", float(seen.steps), "steps"),
                *((Evidence("padding", seen.padding, "fraction", _PADDED),) if seen.padding else ()),
            ),
            summary=f"{what}; {outcome_in_words(features, thresholds)}.",
            blames=blames,
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.NO_ORDER


_RIGHTLY = 0.85
"""A judgement for a single step; by the rule of succession for padding, right in 5 of 5 trainings."""
_WIRED: tuple[Blame, ...] = ("wiring", "architecture")
_PADDED = 0.25
"""Least mean fraction of padding that may hide what comes before it; a few steps of it are remembered through."""
_ALIKE = 0.01
"""Difference between the outputs of two samples, over the largest output, up to which they are alike: a gated cell that
starts with gates half open keeps half of its state a step, so .8 % after seven steps."""


def _fault(seen: OrderFacts) -> tuple[str, tuple[Blame, ...]] | None:
    """What hides steps, in words, and what is to blame."""
    if seen.content_hidden:
        return (
            f"The outputs depend only on those of {seen.steps} steps that are the same in all samples, such as padding:"
            " look for a mask that is inverted (in PyTorch, True hides a key), or for axes of batch and steps in each"
            " other's place"
        ), _WIRED
    if seen.sees_only:
        return (
            f"The outputs change with the {seen.sees_only} of {seen.steps} steps only: look for an output that is read"
            " at the wrong step, or a mask that hides the others"
        ), _WIRED
    if seen.padding >= _PADDED and seen.spread is not None and seen.spread <= _ALIKE:
        return (
            f"On average {percent(seen.padding)} of the {seen.steps} steps are padding at the end, after which the"
            " outputs of all samples were alike: read the state at each sample's own last step"
            " (pack_padded_sequence), or put the padding first"
        ), ("data", "wiring", "architecture")
    if seen.cut:
        return (
            f"The gradient of the outputs reaches the last of {seen.steps} steps only, although the others matter:"
            " look for a state that is cut from the graph (detach) at every step"
        ), _WIRED
    return None
