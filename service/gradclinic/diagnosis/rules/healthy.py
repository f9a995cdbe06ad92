from typing import ClassVar, Literal

from ...kernel.vocabulary import Severity
from ...measurements.record import RunRecord
from ..confidence import agreement
from ..features import Features
from ..finding import EVEN, Evidence, Finding
from ..learnable import left_to_learn
from ..outcome import enough, learned
from ..phrase import against_constant, loss_evidence
from ..thresholds import Thresholds
from .base import Order, Rule
from .loss_mismatch import sizes_are_left_open
from .unrelated_targets import are_unrelated

_RIGHTLY = 0.87
"""How often nothing is wrong where nothing was found, in programs that have no probe, if every second one is faulty.

In the first diagnoses of the held-out programs of `benchmark diagnosis --wild`, nothing was found in 76 of 80 correct
ones, and in 52 of 364 faulty ones: .95 / (.95 + .14). In those of three later authors, 35 of 45 correct ones and 14 of
283 faulty ones were called healthy, which makes .94, or .80 where four of five programs are faulty.
"""
_WITH_PROBE = 0.99
"""The same where there is a probe: of 300 networks that learn 297 are called so, and of 92 sick ones of `benchmark
diagnosis` (fixed and fresh) none is, which makes .99 / (.99 + 1 / 94)."""


class Healthy(Rule):
    """The network learned, and nothing that was found did harm."""

    condition: Literal["healthy"] = "healthy"
    source: ClassVar[str] = (
        "gradclinic: half the loss of always predicting the average, which no constant output can reach"
    )
    uses: ClassVar[tuple[str, ...]] = ("learned", "min_steps", "min_records")
    usual_severity: ClassVar[Severity] = "info"
    finds_nothing_wrong: ClassVar[bool] = True

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        agreed = late_agreement(features, thresholds)
        if not learned(features, thresholds) or not enough(features, thresholds) or agreed < EVEN:
            return None
        loss = features.relative_train_loss or 0.0
        slope = features.depth_slope_early
        return self.finding(
            features,
            harm=False,
            severity="info",
            confidence=min(
                _RIGHTLY if not len(features.probe_loss) else _WITH_PROBE,
                _if_related(record),
                agreed,
                1.0 if left_to_learn(features, record) is None and not _sees_directions_only(record) else EVEN,
            ),
            evidence=(
                *loss_evidence(features, thresholds),
                *((Evidence("depth_slope", slope, "orders of magnitude"),) if slope is not None else ()),
            ),
            summary=f"The network learned: its training loss fell to {against_constant(loss)}{_level(slope)}.",
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.HEALTHY


def late_agreement(features: Features, thresholds: Thresholds) -> float:
    """Agreement of the losses of the last quarter of the steps that the network has learned."""
    return agreement((features.losses_from(0.75) <= thresholds.learned).astype(float))


LEVEL = 0.3
"""Gradient decay whose size is below this is called level: at most a factor of 2 from one end to the other."""

_BY_HEART = 0.5
"""Where no dependence of the targets on the inputs was found, the samples may have been learned by heart."""
_SYMBOLS_BY_HEART = 0.67
"""The same for symbols, by the rule of succession: 3 of the 4 such trainings that learned were sound."""


def _if_related(record: RunRecord) -> float:
    seen = record.preflight.pairing if record.preflight is not None else None
    if seen is None or not are_unrelated(seen):
        return 1.0
    return _BY_HEART if seen.amounts else _SYMBOLS_BY_HEART


def _sees_directions_only(record: RunRecord) -> bool:
    """Whether the loss falls for outputs of any size, while the sizes of the targets differ."""
    loss = record.preflight.loss if record.preflight is not None else None
    return loss is not None and sizes_are_left_open(loss)


def _level(slope: float | None) -> str:
    if slope is None:
        return ""
    if abs(slope) < LEVEL:
        return "; gradients are level over the depth"
    return f"; gradients {'shrink' if slope > 0 else 'grow'} by a factor of 10^{abs(slope):.1f} from output to input"
