from collections.abc import Mapping, Sequence
from math import isnan
from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame, Severity
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import (
    BATCH_NORM,
    CONSTANT_RATE,
    KAIMING,
    LARGER_BATCH,
    LONGER,
    NO_CLIPPING,
    RELU,
    STANDARDIZED,
    adam,
    rate,
)
from ...remedies.network import Network
from ..confidence import share_above
from ..features import Features
from ..finding import Evidence, Finding
from ..initial_weights import tiny_weights
from ..learning_rate import faded
from ..outcome import (
    NOTHING_LEARNED,
    blown_up,
    enough,
    failed,
    is_plain,
    loss_left,
    small_steps_suspected,
    stayed_where_it_began,
    still_falling,
)
from ..phrase import loss_evidence, outcome_in_words, percent
from ..slope import near_slope_evidence, near_slope_in_words
from ..slow_causes import cause, mostly_clipped, of_initial_size, thrown_back
from ..thresholds import Thresholds
from .base import Order, Rule
from .exploding_gradients import ExplodingGradients
from .vanishing_gradients import VanishingGradients


class SlowConvergence(Rule):
    """Nothing is broken, but the network did not learn: steps too small or too few, or it does not suit the data."""

    condition: Literal["slow_convergence"] = "slow_convergence"
    source: ClassVar[str] = (
        "gradclinic; update-to-weight ratio near 1e-3 as a healthy step: Karpathy, CS231n notes, neural-networks-3"
    )
    uses: ClassVar[tuple[str, ...]] = (
        "small_update",
        "large_update",
        "usable_gradient",
        "learned",
        "min_steps",
        "min_records",
    )
    may_stop: ClassVar[bool] = True
    usual_severity: ClassVar[Severity] = "warning"
    labels: ClassVar[Mapping[str, str]] = {
        "relative_gradient": "gradient / weights' size",
    }

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        unknown = stayed_where_it_began(features, record) and enough(features, thresholds)
        small = steps_too_small(features, thresholds)
        if unknown and not small and tiny_weights(record) is not None:
            return self._of_tiny(features, record, thresholds)
        if not (small and (unknown or self._can_be(features, thresholds))) and not (
            unknown and _of_plain_descent(features, record, thresholds)
        ):
            return None
        total = features.total_update or 0.0
        clipped = mostly_clipped(record)
        has_faded = faded(record) is not None
        advice = "clip less" if clipped else "let the schedule fall later" if has_faded else "raise the learning rate"
        moved = f"can have moved by more than {100 * total:.2g} % of its size" if total > 0 else "moved at all"
        summary = (
            f"Steps are too small, so {advice}: in {features.steps_done:,} steps no layer {moved}, although its"
            f" gradient is usable; {_stayed(record) if unknown else outcome_in_words(features, thresholds)}."
        )
        blames: tuple[Blame, ...] = ("learning_rate", "steps")
        if clipped or has_faded:
            blames = ("clipping" if clipped else "schedule", "learning_rate")
        return self._found(
            features,
            record,
            thresholds,
            summary=summary,
            certainty=0.99 if small else _PLAIN_RIGHTLY,
            blames=blames,
            limit=thresholds.small_update if small else _HALF * thresholds.large_update,
        )

    def _of_tiny(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        """Weights so small that a loss with nothing to compare it with stayed where it began."""
        found = of_initial_size(record)
        if found is None:
            return None
        advice, blames = found
        return self._found(
            features,
            record,
            thresholds,
            summary=f"In {features.steps_done:,} steps {_stayed(record)}; {advice}.",
            certainty=_TINY_RIGHTLY,
            blames=blames,
        )

    def remainder(
        self, features: Features, record: RunRecord, thresholds: Thresholds, *, doubt: float
    ) -> Finding | None:
        """What is left when a run did not learn and no other rule does harm; `doubt` is how near the others came.

        A network that learned a part and still learns only wants more steps: a warning, nothing critical.
        """
        if not self._can_be(features, thresholds):
            return None
        found = cause(features, record, thresholds)
        advice, blames = found
        learning = thrown_back(record, thresholds) is None and still_falling(features)
        summary = (
            f"In {features.steps_done:,} steps {outcome_in_words(features, thresholds)}; {advice}"
            f"{near_slope_in_words(features, thresholds)}."
        )
        return self._found(
            features,
            record,
            thresholds,
            summary=summary,
            certainty=_SIZE_RIGHTLY if found == of_initial_size(record) else min(1.0 - doubt, _BLAMED_RIGHTLY),
            more=near_slope_evidence(features, thresholds),
            blames=blames,
            severity="warning" if learning and (features.relative_train_loss or 0.0) <= NOTHING_LEARNED else "critical",
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.SMALL_STEPS if steps_too_small(features, thresholds) else Order.NOTHING_ELSE

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        if not _are_too_small(finding):
            return (*_against_blame(finding), *self._otherwise(finding, network))
        if finding.blames[:1] == ("schedule",):
            return (CONSTANT_RATE, rate(10.0), adam(0.001))
        if network.recurrent:
            return (NO_CLIPPING, adam(0.001), rate(10.0), rate(100.0))
        return (NO_CLIPPING, rate(10.0), rate(100.0), adam(0.001), STANDARDIZED, BATCH_NORM)

    def _otherwise(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        """Where nothing else explains the failure, and perhaps the gradient over the depth nearly does."""
        near = next((evidence.value for evidence in finding.evidence if evidence.name == "depth_slope"), None)
        if near is not None:
            cause: Rule = VanishingGradients() if near > 0 else ExplodingGradients()
            return (*cause.remedies(finding, network), rate(3.0))
        bend = (RELU,) if network.linear and not network.recurrent else ()
        return (*bend, adam(0.001), BATCH_NORM, STANDARDIZED, rate(3.0))

    def combinations(self, network: Network) -> Sequence[Sequence[Remedy]]:
        steps = ([rate(10.0)], [adam(0.01)], [rate(100.0)], [rate(1000.0)], [rate(10_000.0)], [adam(0.001)])
        return steps if network.recurrent else (*steps, [RELU, KAIMING, adam(0.01)], [BATCH_NORM, rate(10.0)])

    def _can_be(self, features: Features, thresholds: Thresholds) -> bool:
        return (
            features.finished
            and failed(features, thresholds)
            and not blown_up(features, thresholds)
            and enough(features, thresholds)
        )

    def _found(
        self,
        features: Features,
        record: RunRecord,
        thresholds: Thresholds,
        *,
        summary: str,
        certainty: float,
        blames: tuple[Blame, ...],
        more: tuple[Evidence, ...] = (),
        severity: Severity = "critical",
        limit: float | None = None,
    ) -> Finding:
        evidence = list(loss_evidence(features, thresholds))
        if features.total_update is not None:
            least = limit or thresholds.small_update
            evidence.append(Evidence("total_update", features.total_update, "weights", least))
        if features.relative_gradient is not None:
            evidence.append(
                Evidence("relative_gradient", features.relative_gradient, "ratio", thresholds.usable_gradient)
            )
        known = features.relative_train_loss is not None and not isnan(features.relative_train_loss)
        late = share_above(features.losses_from(0.5), thresholds.learned) if known else _SMALL_RIGHTLY
        return self.finding(
            features,
            harm=True,
            severity=severity,
            blames=blames,
            confidence=certainty * late,
            evidence=(*evidence, *more),
            summary=summary,
        )


_AGAINST: Mapping[Blame, Sequence[Remedy]] = {
    "schedule": (CONSTANT_RATE,),
    "batch_size": (LARGER_BATCH, rate(0.1)),
    "learning_rate": (rate(0.1),),
    "steps": (LONGER,),
}
"""What to try first against the part that a finding blames most, where the steps are not too small."""


def _against_blame(finding: Finding) -> Sequence[Remedy]:
    return _AGAINST.get(finding.blames[0], ()) if finding.blames else ()


def steps_too_small(features: Features, thresholds: Thresholds) -> bool:
    """The step or the clip is too small, not the gradient."""
    total, gradient = features.total_update, features.relative_gradient
    return (
        total is not None
        and gradient is not None
        and total < thresholds.small_update
        and gradient >= thresholds.usable_gradient
    )


def _of_plain_descent(features: Features, record: RunRecord, thresholds: Thresholds) -> bool:
    """Whether plain gradient descent moved no layer by half of its size, although its gradient is usable."""
    total, gradient = features.total_update, features.relative_gradient
    return (
        is_plain(record)
        and small_steps_suspected(features, record, thresholds)
        and (total or 0.0) < _HALF * thresholds.large_update
        and gradient is not None
        and gradient >= thresholds.usable_gradient
    )


_HALF = 0.5
"""Of the size of a layer. The sum of all steps is more than what they moved it by."""
_PLAIN_RIGHTLY = 0.7
"""By the rule of succession: in 1 of 1 training, word vectors under SGD; with the doubt of a loss that is not known."""
_TINY_RIGHTLY = 0.71
"""By the rule of succession: in 1 of 1 training, factors that start at .001; with the doubt of a loss that is not
known."""
_BLAMED_RIGHTLY = 0.67
"""How often what is left over blames a true part: 7 of the 10 programs of `benchmark diagnosis --wild` on which it was
fitted, by the rule of succession; and 6 of 9 others. Where steps are measured to be too small, 14 of 14 were right."""
_SIZE_RIGHTLY = 0.93
"""The same for initial weights of an unusual size: right in 13 of 13 trainings of real architectures with
weights times .01 or 10 that failed, by the rule of succession; of 55 sound ones none has such weights."""
_SMALL_RIGHTLY = 0.94
"""That by the rule of succession, for runs of which it is only known that the loss stayed where it began."""


def _stayed(record: RunRecord) -> str:
    return f"the training loss is still {percent(loss_left(record) or 1.0)} of what it was at first"


def _are_too_small(finding: Finding) -> bool:
    total = next((evidence for evidence in finding.evidence if evidence.name == "total_update"), None)
    return total is not None and total.threshold is not None and total.value < total.threshold
