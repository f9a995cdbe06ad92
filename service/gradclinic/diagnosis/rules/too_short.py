from collections.abc import Mapping, Sequence
from math import exp, inf
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from ...kernel.vocabulary import Blame, Severity
from ...measurements.losses import batch_losses
from ...measurements.profile import Array
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import LONGER, rate
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..initial_weights import huge_weights, tiny_weights
from ..outcome import (
    FAR,
    FEW_STEPS,
    NOTHING_LEARNED,
    WELL,
    blown_up,
    enough,
    failed,
    first_update,
    learned_a_part_of_text,
    moved_far,
    moved_far_for_nothing,
    narrow,
    no_yardstick,
    rest_may_be_noise,
    small_steps_suspected,
    still_falling,
)
from ..pace import late_fall, pace
from ..phrase import NO_YARDSTICK, counted, outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule
from .unrelated_targets import are_related
from .wrong_mask import hides_steps

_FURTHEST = 20.0
"""Times the steps taken up to which too few steps are named as the reason, if the pace lasts."""
_TOLD = 10.0
"""Times the steps taken up to which a number of steps is told: an extrapolation over more has no basis."""


class TooShort(Rule):
    """The loss was still falling steadily when training stopped: more steps would help."""

    condition: Literal["too_short"] = "too_short"
    source: ClassVar[str] = (
        "gradclinic: least squares over the last half of the losses, against steps and their logarithm, each slope with"
        " its 95 % interval"
    )
    uses: ClassVar[tuple[str, ...]] = ("learned", "min_steps", "min_records", "large_update")
    only_alone: ClassVar[bool] = True  # more steps do not help against anything else that does harm
    usual_severity: ClassVar[Severity] = "warning"
    labels: ClassVar[Mapping[str, str]] = {
        "steps_needed": "steps needed, if the pace lasts",
        "late_fall": "part of the fall in the second half of the steps",
    }

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        looked = record.preflight is not None  # else something may be wrong that no number of steps mends
        if not looked or not features.finished or blown_up(features, thresholds):
            return None
        if features.steps_done < thresholds.min_steps:
            far = features.relative_train_loss is not None and features.relative_train_loss > _NEARLY
            return self._hardly_begun(features, thresholds) if far else None
        if not enough(features, thresholds):
            return None
        if no_yardstick(features):
            return self._still_on_its_way(features, record, thresholds)
        if failed(features, thresholds):
            return self._at_its_pace(features, record, thresholds)
        return self._hardly_done(features, thresholds) if _stopped_early(features) else None

    def _at_its_pace(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        """A loss that would fall to the threshold in some times the steps, at the pace of the last half."""
        recovers = (first_update(record) or 0.0) >= thresholds.large_update  # from the first step
        needed = None if recovers or moved_far_for_nothing(features, thresholds) else _needed(features, thresholds)
        if (
            needed is None
            or _floor_unknown(features, record, thresholds)
            or rest_may_be_noise(features, record, thresholds)
        ):
            return None
        moved, (blames, check) = features.total_update or 0.0, _suspected(features, record, thresholds)
        return self.finding(
            features,
            harm=True,
            severity="warning",
            confidence=_RIGHTLY if moved < thresholds.large_update else _PERHAPS,
            evidence=(
                Evidence("steps_needed", needed.likely, "times the steps taken", 1.0),
                Evidence("total_update", moved, "weights", FAR),
            ),
            summary=(
                f"Training stopped after {features.steps_done:,} steps, while the loss still fell at a steady pace:"
                f" {_advice(needed)}{check};"
                f" {outcome_in_words(features, thresholds)}."
            ),
            blames=blames,
        )

    def _still_on_its_way(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        """A loss that nothing is known to compare with, and that fell at nearly the same pace until the end."""
        late = late_fall(batch_losses(record))
        if late is None or late.least < _LATE or moved_far(features):
            return None
        blames, check = _suspected(features, record, thresholds)
        return self.finding(
            features,
            harm=True,
            severity="warning",
            confidence=_LATE_RIGHTLY,
            evidence=(Evidence("late_fall", late.part, "fraction", _LATE),),
            summary=(
                f"Training stopped after {features.steps_done:,} steps, while the loss still fell at a steady pace:"
                f" {percent(late.part)} of its fall came in the second half of the steps, so train for several times as"
                f" many{check}; {NO_YARDSTICK}."
            ),
            blames=blames,
        )

    def _hardly_begun(self, features: Features, thresholds: Thresholds) -> Finding:
        """So few steps say little but that they are few."""
        return self.finding(
            features,
            harm=True,
            severity="warning",
            confidence=_RIGHTLY,
            evidence=(Evidence("steps_done", float(features.steps_done), "steps", thresholds.min_steps),),
            summary=(
                f"Training stopped after {counted(features.steps_done, 'step')}, too few to learn from or to judge by:"
                f" train for longer, then look again; {outcome_in_words(features, thresholds)}."
            ),
            blames=("steps", "learning_rate"),
        )

    def _hardly_done(self, features: Features, thresholds: Thresholds) -> Finding:
        """A network that learned a part in few steps, and was learning more. That is no fault of a short training."""
        return self.finding(
            features,
            harm=False,
            severity="info",
            confidence=_DONE_RIGHTLY,
            evidence=(Evidence("steps_done", float(features.steps_done), "steps", float(FEW_STEPS)),),
            summary=(
                f"The loss was still falling when training stopped after {counted(features.steps_done, 'step')}, so"
                f" more steps lower it further; {outcome_in_words(features, thresholds)}."
            ),
            blames=("steps", "learning_rate"),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.TOO_FEW_STEPS

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (LONGER, rate(3.0))


_NEARLY = 0.2
"""Above this fraction of the loss of always predicting the average, so few steps that nothing else can be judged are
too few, even if the network is said to have learned. A judgement."""
_LATE = 0.3
"""Part of the fall in the second half of the steps from which training was still on its way: where the loss falls
exponentially, a sixth of its whole way or more is then left."""
_LATE_RIGHTLY = 0.67
"""By the rule of succession: in 1 of 1 training with a loss of its own, word vectors under SGD."""
_DONE_RIGHTLY = 0.67
"""How often that is right of fewer than 100 steps, by the rule of succession: in 1 of 1 training. No correct program of
the benchmark has so few steps."""
_RIGHTLY = 0.87
"""How often what it blames is right: in 13 of the 14 programs of `benchmark diagnosis --wild` on which it was fitted,
by the rule of succession; and in 12 of 14 that other authors wrote."""
_PERHAPS = 0.71
"""The same for weights that moved by their own size or more: 9 of the 12 programs there that look like this, before the
data was among the parts that are blamed where they moved by less than three times their size."""


def _stopped_early(features: Features) -> bool:
    """Whether a loss was still falling after few steps, and had not fallen far."""
    loss = features.relative_train_loss
    far = loss is not None and loss > WELL
    return far and features.steps_done < FEW_STEPS and still_falling(features)


def _floor_unknown(features: Features, record: RunRecord, thresholds: Thresholds) -> bool:
    """Whether a part was learned of a loss whose floor nobody knows, by steps that were not lacking."""
    compared = record.preflight.loss if record.preflight is not None else None
    unknown = compared is not None and compared.takes == "unknown"
    part = (features.relative_train_loss or 0.0) <= NOTHING_LEARNED
    return learned_a_part_of_text(features, record, thresholds) or (unknown and part and moved_far(features))


def _suspected(features: Features, record: RunRecord, thresholds: Thresholds) -> tuple[tuple[Blame, ...], str]:
    """What may make the loss fall slowly, most likely first, and what to check, as a clause of the summary."""
    moved = features.total_update or 0.0
    off = "smaller" if tiny_weights(record) is not None else "larger" if huge_weights(record) is not None else None
    if off is not None:
        check = f". But the initial weights are far {off} than those of any common scheme, so first change those"
        return ("initialization", "steps", "learning_rate"), check
    if moved_far(features):
        width = narrow(record)
        far = f". A layer moved by {_times(moved)} times its size already, so first check whether"
        if width is not None:
            units = "1 unit suffices" if width == 1 else f"{width} units suffice"
            check = f"{far} {units} in the narrowest hidden layer"
            return ("architecture", "data", "steps"), check
        if not are_related(record):
            return ("data", "architecture", "steps"), f"{far} each input is paired with its own target"
    if small_steps_suspected(features, record, thresholds):
        return ("learning_rate", "steps", "optimizer"), ", or take steps as many times as large"
    return _suspected_after(moved, record) if moved >= thresholds.large_update else (("steps", "learning_rate"), "")


def _suspected_after(moved: float, record: RunRecord) -> tuple[tuple[Blame, ...], str]:
    """The same for weights that moved by their own size or more, so that other things than steps may be lacking."""
    if hides_steps(record):
        check = ". Also check that no step needs later ones, which the causal mask hides"
        return ("steps", "architecture", "learning_rate"), check
    check = f". A layer moved by {_times(moved)} times its size already, so also check the data"
    return ("steps", "learning_rate", "data"), check


def _times(factor: float) -> str:
    """A factor as a person reads it: 1.04, 1.3, 12."""
    if 1.0 < factor < 1.1:
        return f"{factor:.2f}"
    return f"{factor:.2g}" if factor < 100 else f"{factor:.0f}"


class _Needed(NamedTuple):
    """Steps that reach the threshold, over the steps taken."""

    least: float
    """If the loss goes on in a straight line at the fastest pace that the last half allows. Most bend up."""
    likely: float
    """If it goes on in the line of the last half."""
    most: float
    """If it falls with the logarithm of the steps, whose pace is one over them, at the slowest; may be infinite."""


def _needed(features: Features, thresholds: Thresholds) -> _Needed | None:
    """How long it takes at the pace of the last half; None without one, or if it would take too long to say."""
    losses = features.losses_from(0.5)
    if len(losses) < 8:
        return None
    at = np.linspace(0.5, 1.0, len(losses))
    line, curve = pace(at, losses), pace(np.log(at), losses)
    gap = line.end - thresholds.learned
    if not line.slowest > 0 or gap <= 0 or _levels_off(losses, gap=gap):
        return None
    most = (curve.end - thresholds.learned) / curve.slowest if curve.slowest > 0 else inf
    likely = 1.0 + gap / line.fall
    if likely > _FURTHEST:
        return None
    return _Needed(1.0 + gap / line.fastest, likely, exp(most) if most < _FURTHEST else inf)


def _advice(needed: _Needed) -> str:
    """How long to train: between what a lasting pace takes and what a falling one does, or no less than the first."""
    if needed.most > _TOLD:
        return f"train for at least {_times(needed.least)} times as many, and for more if the pace falls"
    least, most = _times(needed.least), _times(needed.most)
    reach = least if least == most else f"{least} to {most}"
    return f"train for {reach} times as many (if the pace lasts, and if it falls as one over the steps)"


_SETTLED = 0.4
"""A loss whose pace falls to less than this from the third quarter to the last, at 95 %, levels off. One that falls as
one over the steps keeps half of its pace there, and reaches any level above 0."""


def _levels_off(losses: Array, *, gap: float) -> bool:
    """Whether the pace of eight losses or more falls so fast that its sum, a geometric series, leaves a gap."""
    before, last = (pace(np.linspace(0.0, 1.0, len(part)), part) for part in np.array_split(losses, 2))
    if before.slowest <= 0:
        return False
    ratio = max(0.0, last.fastest) / before.slowest
    return bool(ratio < _SETTLED and last.fall * ratio / (1.0 - ratio) < gap)
