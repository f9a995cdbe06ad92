from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np

from ...kernel.vocabulary import Blame
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import (
    BATCH_NORM,
    CLIPPING,
    STANDARDIZED,
    STANDARDIZED_TARGETS,
    WARMUP,
    rate,
    smaller_steps,
)
from ...remedies.network import Network
from ..batch_norm import explains_growth
from ..features import Features
from ..finding import Evidence, Finding
from ..momentum import blamed_first, in_words
from ..outcome import blown_up, first_update, grown_after_replacement, onset_of_blow_up, steps_are_ordinary
from ..phrase import NO_YARDSTICK, against_constant, all_named, loss_evidence
from ..thresholds import Thresholds
from .base import Order, Rule
from .low_precision import rounds_eps
from .non_finite_origin import breaks_at_one_place
from .unscaled_inputs import UnscaledInputs
from .unscaled_targets import UnscaledTargets

_STEPS: tuple[Blame, ...] = ("learning_rate", "schedule", "clipping")

_GROWN_RIGHTLY = 0.67
"""By the rule of succession: in 1 of 1 training, the discriminator of a GAN at a thousand times its rate."""

_BEFORE_STEPS: tuple[Blame, ...] = ("initialization", "loss", "data")
"""What may be at fault where the first loss or gradient is not finite."""


class Divergence(Rule):
    """The loss grew without bound although gradients did not explode over the depth: the steps were too large."""

    condition: Literal["divergence"] = "divergence"
    usual_blames: ClassVar[tuple[Blame, ...]] = _STEPS
    source: ClassVar[str] = "gradclinic; sharpness limit 2 / learning rate: Cohen et al. 2021, arXiv:2103.00065"
    uses: ClassVar[tuple[str, ...]] = ("blown_up", "depth_slope", "large_update")
    labels: ClassVar[Mapping[str, str]] = {
        "nonfinite_step": "first step with NaN or infinity",
        "learning_rate": "learning rate of the last step",
        "first_update": "change by the first step / weights' size",
        "grown": "last loss / first loss",
    }

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        if not blown_up(features, thresholds):
            return self._of_growth(features, record, thresholds)
        slope = features.depth_slope_start
        exploding = slope is not None and slope <= -thresholds.depth_slope and not explains_growth(record, slope)
        if exploding or features.local_gain_start >= thresholds.depth_slope:
            return None
        onset = onset_of_blow_up(features, record)
        calm = features.nonfinite_step is not None and onset >= features.nonfinite_step
        if calm and (breaks_at_one_place(features, record) or rounds_eps(features, record)):
            return None  # the loss had not grown: nothing diverged
        layers = _fastest(record)
        evidence: list[Evidence] = []
        if features.nonfinite_step is not None:
            evidence.append(Evidence("nonfinite_step", float(features.nonfinite_step), "step"))
        if features.total_update is not None:
            evidence.append(Evidence("total_update", features.total_update, "weights", thresholds.large_update))
        if slope is not None:
            evidence.append(Evidence("depth_slope_start", slope, "orders of magnitude", -thresholds.depth_slope))
        rate = record.get("learning_rate")
        if len(rate):
            evidence.append(Evidence("learning_rate", float(rate.values[-1, 0]), "weight per gradient"))
        if features.relative_initial_loss is not None:
            evidence.append(
                Evidence("relative_initial_loss", features.relative_initial_loss, "ratio", thresholds.blown_up)
            )
        evidence += loss_evidence(features, thresholds)
        scales = _scales_at_fault(features, record, thresholds)
        return self.finding(
            features,
            harm=True,
            blames=(*scales, *(_BEFORE_STEPS if features.nonfinite_step == 0 else blamed_first(_STEPS, record))),
            confidence=_confidence(features, record, thresholds),
            layers=layers,
            span=(onset, features.nonfinite_step if features.nonfinite_step is not None else features.steps_done - 1),
            evidence=tuple(evidence),
            summary=_summary(
                features,
                thresholds,
                _with_rate(record, scales, too_large=_by_steps(features, record, thresholds)),
                onset,
                f"; {all_named(layers, record)} moved most" if layers else "",
            )
            + ("" if scales else in_words(record)),
        )

    def _of_growth(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        """A loss with nothing to compare it with, as in a GAN, that grew after a step that replaced the weights."""
        grown, changed = grown_after_replacement(features, record, thresholds), first_update(record)
        if grown is None or changed is None:
            return None
        return self.finding(
            features,
            harm=True,
            blames=blamed_first(_STEPS, record),
            confidence=_GROWN_RIGHTLY,
            span=(onset_of_blow_up(features, record), features.steps_done - 1),
            evidence=(
                Evidence("first_update", changed, "ratio", thresholds.large_update),
                Evidence("grown", grown, "ratio"),
            ),
            summary=(
                f"The loss ended at {grown:.2g} times its first value, after a first step that changed a typical layer"
                f" by {changed:.2g} times its size: lower the learning rate; {NO_YARDSTICK}."
            ),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.BLOWN_UP

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        scaled = tuple(remedy for blame, remedy in _SCALED.items() if blame in finding.blames)
        if network.recurrent:
            return (*scaled, rate(0.1), CLIPPING, rate(0.01), WARMUP)
        return (*scaled, rate(0.1), rate(0.01), CLIPPING, WARMUP, BATCH_NORM)

    def combinations(self, network: Network) -> Sequence[Sequence[Remedy]]:
        return smaller_steps()


_SCALED: Mapping[Blame, Remedy] = {"input_scaling": STANDARDIZED, "target_scaling": STANDARDIZED_TARGETS}


def _scales_at_fault(features: Features, record: RunRecord, thresholds: Thresholds) -> tuple[Blame, ...]:
    """The scales for which the steps were too large, where the same steps fit standardized data.

    The largest curvature grows with the square of the inputs' RMS, and 2 / learning rate is its limit.
    """
    if not steps_are_ordinary(record):
        return ()
    rules: tuple[Rule, ...] = (UnscaledInputs(), UnscaledTargets())
    return tuple(
        blame
        for blame, rule in zip(_SCALED, rules, strict=True)
        if rule.judge(features, record, thresholds) is not None
    )


def _fastest(record: RunRecord) -> tuple[str, ...]:
    """The layer that moved most, against its own size, at the last record with finite numbers."""
    ratio = record.get("update_to_weight_ratio")
    if not ratio.values.size:
        return ()
    rows = np.flatnonzero(np.isfinite(ratio.values).any(axis=1))
    if not len(rows):
        return ()
    row = ratio.values[rows[-1]]
    worst = int(np.argmax(np.where(np.isfinite(row), row, -np.inf)))
    return (record.weights[worst].name,)


def _confidence(features: Features, record: RunRecord, thresholds: Thresholds) -> float:
    """Divergence itself is a fact; the doubt is only whether the depth had a part in it."""
    from ..confidence import above

    profile, slope = features.profile, features.depth_slope_start
    if profile is None or slope is None or explains_growth(record, slope):
        return 0.99
    return 0.99 * above(slope, -thresholds.depth_slope, error=max(float(profile.slope_error[0]), 0.1))


def _with_rate(record: RunRecord, scales: tuple[Blame, ...], *, too_large: bool) -> str:
    """The learning rate of the last step, and what to do with it or with the data, as words in the summary."""
    rate = record.get("learning_rate")
    if not len(rate):
        return ""
    what = " and ".join(scale.removesuffix("_scaling") + "s" for scale in scales)
    first = f", which is an ordinary one, so standardize the {what} first" if what else ", so lower it"
    return f" with learning rate {float(rate.values[-1, 0]):g}{first if what or too_large else ''}"


def _summary(features: Features, thresholds: Thresholds, with_rate: str, onset: int, moved: str) -> str:
    if features.nonfinite_step is not None:
        return f"{_non_finite(features, onset, with_rate, moved)} {_blame(features, thresholds)}"
    loss = features.relative_train_loss or 0.0
    return (
        f"Training diverged{with_rate}: from step {onset} on the loss grew without bound and ended at"
        f" {against_constant(loss)}{moved}."
    )


def _non_finite(features: Features, onset: int, with_rate: str, moved: str) -> str:
    step = features.nonfinite_step or 0
    start = f"from step {onset} on the loss grew without bound and " if onset < step else ""
    return f"Training diverged{with_rate}: {start}at step {step} the loss or gradient was no longer finite{moved}."


def _by_steps(features: Features, record: RunRecord, thresholds: Thresholds) -> bool:
    """Whether the steps were too large, rather than what was there before the first."""
    initial = features.relative_initial_loss
    blown = initial is not None and initial > thresholds.blown_up
    known = record.preflight is not None and record.preflight.optimizer is not None
    return features.nonfinite_step != 0 and (not blown or (known and not steps_are_ordinary(record)))


def _blame(features: Features, thresholds: Thresholds) -> str:
    """What the steps were too large for: a sound network, or one that was beyond all measure before the first."""
    initial = features.relative_initial_loss
    if features.nonfinite_step == 0:
        return "No step was taken before, so the inputs, the initial weights or the loss are at fault, not the steps."
    if initial is not None and initial > thresholds.blown_up:
        return (
            f"Before the first step the loss was already {against_constant(initial)}, so make the initial weights or"
            " the inputs smaller, too."
        )
    if features.depth_slope_start is None:
        return "The steps were too large; the network has too few layers to compare gradients over its depth."
    return "Gradients did not explode over the depth to begin with, so the steps were too large."
