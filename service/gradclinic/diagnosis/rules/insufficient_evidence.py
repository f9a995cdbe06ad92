from collections.abc import Mapping
from typing import ClassVar, Literal

from ...kernel.vocabulary import Severity
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..thresholds import Thresholds
from .base import NO_YARDSTICK, NOT_ENDED, Order, Rule, counted, enough


class InsufficientEvidence(Rule):
    """There is too little to judge by: too few steps or records, or no loss to compare with."""

    condition: Literal["insufficient_evidence"] = "insufficient_evidence"
    source: ClassVar[str] = "gradclinic: say so, do not guess"
    uses: ClassVar[tuple[str, ...]] = ("min_steps", "min_records")
    usual_severity: ClassVar[Severity] = "info"
    labels: ClassVar[Mapping[str, str]] = {
        "steps_done": "steps trained",
        "finite_records": "recorded steps with a finite loss",
    }

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        reason = self._reason(features, thresholds)
        if reason is None:
            return None
        return self.finding(
            features,
            harm=False,
            severity="info",
            confidence=1.0,
            evidence=(
                Evidence("steps_done", float(features.steps_done), "steps", thresholds.min_steps),
                Evidence("finite_records", float(features.finite_records), "records", thresholds.min_records),
            ),
            summary=f"There is not enough evidence for a diagnosis: {reason}.",
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.NOT_KNOWN

    def _reason(self, features: Features, thresholds: Thresholds) -> str | None:
        if features.diverged:
            return None
        if not enough(features, thresholds):
            return (
                f"{counted(features.steps_done, 'step')} with"
                f" {counted(features.finite_records, 'recorded loss', 'recorded losses')}, where at least"
                f" {thresholds.min_steps:.0f} and {thresholds.min_records:.0f} are needed"
            )
        if not features.finished:
            return f"{NOT_ENDED}, and only then is it known whether the network learned"
        loss = features.relative_train_loss
        if loss is None:
            return f"{NO_YARDSTICK}, so it is not known whether the network learned"
        if loss != loss:  # noqa: PLR0124  # NaN is the one number that differs from itself
            return "always predicting the average already makes no error on this data, so there is nothing to learn"
        return None
