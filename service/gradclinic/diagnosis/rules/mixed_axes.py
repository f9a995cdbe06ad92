from typing import ClassVar, Literal

from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import WELL
from ..phrase import outcome_in_words
from ..thresholds import Thresholds
from .base import Order, Rule

_RIGHTLY = 0.83
"""How often it is right, by the rule of succession: in 4 of 4 trainings, with points, channels or steps reshaped; not
found in 69 sound ones."""


class MixedAxes(Rule):
    """A reshape in the model gives axes another order, in which a transpose was meant, so that their entries mix."""

    condition: Literal["mixed_axes"] = "mixed_axes"
    source: ClassVar[str] = "definition: a reshape keeps the order in memory, and a transpose that of each axis"
    uses: ClassVar[tuple[str, ...]] = ()

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight.mixing if record.preflight is not None else None
        if seen is None or not seen.reshaped or seen.influence:
            return None
        loss, axes = features.relative_train_loss, list(seen.reshaped)
        return self.finding(
            features,
            harm=loss is None or not loss <= WELL,
            confidence=_RIGHTLY,
            evidence=(Evidence("reshaped_axes", float(len(axes)), "axes"),),
            summary=(
                f"A reshape in the model makes {axes} of a tensor whose axes have these sizes in another order, so that"
                " their entries mix: use transpose or permute, which keeps each with its own;"
                f" {outcome_in_words(features, thresholds)}."
            ),
            blames=("wiring", "architecture", "data"),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.LOSS_OR_OUTPUT
