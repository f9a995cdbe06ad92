"""The base class of rules: condition, evidence, precedence, remedies, and whether a run may stop on it."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from enum import IntEnum
from math import isnan
from typing import ClassVar

import numpy as np

from ...kernel.spec import Spec
from ...kernel.vocabulary import Blame, Severity
from ...measurements.losses import Swings
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.network import Network
from ..features import FEWEST_LAST, Features
from ..finding import Evidence, Finding
from ..thresholds import Thresholds


class Order(IntEnum):
    """The order from causes to symptoms: smaller values explain larger ones. A rule's precedence is one of these, or
    a number between two.
    """

    DATA_OR_WIRING = 2
    """Values below 10 are for what was wrong before the first step, such as unusable labels or weights that are not
    trained."""
    NON_FINITE_ORIGIN = 3
    LOSS_OR_OUTPUT = 4
    NO_SIGNAL = 5
    PRECISION = 6
    DECAY = 7
    NO_NONLINEARITY = 8
    SCALES = 9
    """The scales of inputs and targets."""
    BLOWN_UP = 10
    """The loss or the gradient grew until training stopped."""
    NO_NONLINEARITY_BLOWN_UP = 12
    SCALES_BLOWN_UP = 13
    """If training diverged after it began well, the divergence comes first, and the scales explain it."""
    SWINGS_THOUGH_LEARNED = 20
    SWINGS_UNDER_LARGE_STEPS = 30
    BATCH = 35
    DEAD = 40
    """Dead and saturated units also starve the gradient."""
    SATURATED = 50
    EXPLODING = 60
    SMALL_STEPS = 70
    VANISHING = 80
    DEAD_AS_CONSEQUENCE = 85
    """Values from here on are for possible consequences of other conditions, and for what is left."""
    SWINGS = 90
    SATURATED_LATE = 91
    VANISHING_LATE = 92
    TOO_FEW_STEPS = 93
    NOTHING_ELSE = 94
    HEALTHY = 100
    """Values from here on are for runs in which nothing is wrong."""
    NOT_KNOWN = 110


class Rule(Spec):
    """One condition: a pure function of a run's features and record, and its place in the order."""

    condition: str
    source: ClassVar[str]
    uses: ClassVar[tuple[str, ...]]
    """Names of the thresholds that it uses."""
    may_stop: ClassVar[bool] = False
    """Whether a run may be asked to stop on it (`training.stop_when`)."""
    finds_nothing_wrong: ClassVar[bool] = False
    """Whether it is the condition of runs in which no other rule finds anything wrong."""
    only_alone: ClassVar[bool] = False
    """Whether its finding is omitted if another rule has a harmful one."""

    says_first: ClassVar[bool] = False
    """Whether the summary of a harmful finding goes on with the first of the suggested remedies, as what to try."""

    usual_blames: ClassVar[tuple[Blame, ...]] = ()
    """The parts of the training that it blames by default, most likely first."""
    usual_severity: ClassVar[Severity] = "critical"
    """What the condition's name alone says on a page, where no finding is at hand."""
    labels: ClassVar[Mapping[str, str]] = {}
    """Labels of the rule's evidence by name; by default, the name with spaces."""

    @abstractmethod
    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        """The finding, without suggested remedies; None if the condition is absent or cannot be determined."""

    @abstractmethod
    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        """Position of a harmful finding of this rule in the order of primary conditions (`Order`)."""

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        """The single remedies to suggest for a finding of this rule in this kind of network, best first."""
        return ()

    def combinations(self, network: Network) -> Sequence[Sequence[Remedy]]:
        """Remedies that a search tries together against the condition, the most promising first."""
        return ()

    def finding(
        self,
        features: Features,
        *,
        harm: bool,
        confidence: float,
        layers: tuple[str, ...] = (),
        span: tuple[int, int] | None = None,
        evidence: tuple[Evidence, ...],
        summary: str,
        blames: tuple[Blame, ...] | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this rule; without a span, it applies to all recorded steps."""
        first, last = span if span is not None else (0, max(0, features.steps_done - 1))
        return Finding(
            condition=self.condition,
            severity=severity or ("critical" if harm else "warning"),
            harm=harm,
            confidence=round(min(max(confidence, 0.0), 1.0), 3),
            layers=layers,
            first_step=first,
            last_step=last,
            evidence=evidence,
            rule=self.condition,
            source=self.source,
            summary=summary,
            blames=self.usual_blames if blames is None else blames,
        )


SHARED_LABELS: Mapping[str, str] = {
    "depth_slope": "gradient lost from output to input",
    "depth_slope_start": "gradient lost, before the first step",
    "depth_slope_early": "gradient lost, first quarter of training",
    "relative_train_loss": "training loss / always predicting the average",
    "relative_initial_loss": "loss at the start / always predicting the average",
    "total_update": "all steps together / weights' size",
}
"""Labels of evidence that several rules have."""


def first_update(record: RunRecord) -> float | None:
    """Relative change of the typical layer (the median) by the first recorded step; None if unknown."""
    ratio = record.get("update_to_weight_ratio")
    known = ratio.values[0][np.isfinite(ratio.values[0])] if len(ratio) else ratio.values
    return float(np.median(known)) if known.size else None


def blown_up(features: Features, thresholds: Thresholds) -> bool:
    """Whether the loss or the gradient left the numbers, or the loss ended far above where it began, and not in swings.

    One final value may be the peak of a swing, so the last quarter's level counts too; and a loss that swings
    high, but no higher than before, oscillates. One that ends where it began, but for the scatter of batches, stayed.
    Without probes, one batch may be far off, so most of the last ones must be high.
    """
    if features.diverged:
        return True
    loss, initial = features.relative_train_loss, features.relative_initial_loss
    if loss is None or not loss > thresholds.blown_up or (initial is not None and loss <= _STAYED * initial):
        return False  # a loss of NaN with nothing to compare it with is no evidence, and not above anything
    before, now = features.level(0.25, 0.5), features.level(0.75, 1.0)
    if before is None or now is None:
        last = features.last_batch_losses
        return len(last) < FEWEST_LAST or float(np.median(last)) > thresholds.blown_up
    if now <= thresholds.blown_up:
        return False
    swings = features.swings(skip=0.25, rise=thresholds.rise)
    return now > 2.0 * before or swings is None or not swinging(swings, thresholds, is_learned=False)


_STAYED = 1.25
"""A loss of at most this many times its first value stayed where it was: the mean of 32 squared errors scatters by a
quarter (sqrt(2/32))."""


def swinging(swings: Swings, thresholds: Thresholds, *, is_learned: bool) -> bool:
    """Whether the swings are an oscillation: enough of them, often enough, and large enough."""
    enough_rise = swings.total_rise >= needed_rise(swings, thresholds, is_learned=is_learned)
    if is_learned:
        return swings.share >= thresholds.rise_share_learned and enough_rise
    return swings.rises >= thresholds.min_rises and swings.share >= thresholds.rise_share and enough_rise


def needed_rise(swings: Swings, thresholds: Thresholds, *, is_learned: bool) -> float:
    """The sum of all rises from which swings count as an oscillation.

    It grows with the net change, because a loss that falls fast also rises now and then on its way down.
    """
    if is_learned:
        return max(thresholds.rise_sum_learned, thresholds.rise_to_net * max(0.0, swings.net_change))
    return thresholds.rise_to_net * abs(swings.net_change)


def learned(features: Features, thresholds: Thresholds) -> bool:
    """Whether the final training loss is at most half that of always predicting the average."""
    loss = features.relative_train_loss
    return not features.diverged and loss is not None and loss <= thresholds.learned


def not_known_to_have_learned(features: Features, thresholds: Thresholds) -> bool:
    """Whether the run has ended and did not learn, or has no loss to compare with: a certain fault then does harm."""
    return failed(features, thresholds) or (features.finished and features.relative_train_loss is None)


_STARTING_TOO_LARGE = 30.0
"""Root mean square of a layer's outputs, relative to that of the inputs or to 1, whichever is larger. Suitable schemes
keep it near 1. With a factor of 30 at the readout, a classifier is certain, and wrong, before the first step."""


def starts_too_large(record: RunRecord) -> bool:
    """Whether the initial weights enlarge the signal so much that training starts far from where it can succeed."""
    seen, levels = record.preflight, record.get("activation_rms")
    if seen is None or seen.inputs is None or not len(levels) or levels.steps[0] != 0:
        return False
    finite = levels.values[0][np.isfinite(levels.values[0])]
    return bool(len(finite)) and float(finite.max()) > _STARTING_TOO_LARGE * max(1.0, seen.inputs.rms)


_ORDINARY_STEP, _ORDINARY_ADAPTIVE_STEP = 0.1, 0.01
"""Learning rates up to which plain and adaptive optimizers train networks over standardized data as a rule: the
largest of the customary grids (Bengio 2012, Practical recommendations, arXiv:1206.5533; Kingma and Ba 2015)."""


def steps_are_ordinary(record: RunRecord) -> bool:
    """Whether the learning rate is one that trains over standardized data; momentum multiplies it by 1 / (1 - m).

    Training that diverges at such a rate over data of another scale does so because of the scale.
    """
    used = record.preflight.optimizer if record.preflight is not None else None
    if used is None:
        return False
    if used.name in _PLAIN:
        return round(used.learning_rate / (1.0 - min(used.momentum, 0.999)), 9) <= _ORDINARY_STEP
    return used.learning_rate <= _ORDINARY_ADAPTIVE_STEP


_PLAIN = frozenset({"SGD", "ASGD", "Rprop", "LBFGS"})


def is_plain(record: RunRecord) -> bool:
    """Whether plain gradient descent trains, without momentum and without a step size of each weight's own."""
    used = record.preflight.optimizer if record.preflight is not None else None
    return used is not None and used.name == "SGD" and used.momentum == 0


def failed(features: Features, thresholds: Thresholds) -> bool:
    """Whether the run ended without having learned; False during the run, or without a loss to compare with."""
    if features.diverged:
        return True
    return features.finished and features.relative_train_loss is not None and not learned(features, thresholds)


def overflows_float16(features: Features, record: RunRecord) -> bool:
    """Whether the training broke while it computed in float16, whose largest number is 65,504, without a scaler."""
    precision = record.preflight.precision if record.preflight is not None else None
    return features.diverged and precision is not None and precision.lowest == "float16" and not precision.scaled


def enough(features: Features, thresholds: Thresholds) -> bool:
    """Whether there are enough steps and records to judge anything but a divergence."""
    return features.steps_done >= thresholds.min_steps and features.finite_records >= thresholds.min_records


def still_falling(features: Features) -> bool:
    """Whether the last third of the losses is below the third before it by more than their scatter."""
    losses = features.losses_from(0.0)
    third = len(losses) // 3
    if third < 2:
        return False
    before, last = losses[-2 * third : -third], losses[-third:]
    error = float(np.hypot(before.std(ddof=1), last.std(ddof=1))) / third**0.5
    return bool(before.mean() - last.mean() > 2.0 * error)


def may_still_fall(features: Features, thresholds: Thresholds) -> bool:
    """Whether the losses scatter so much, or are so few, that a fall to the threshold in as many steps again is hidden.

    From the mean of one third of the steps to that of the next a loss falls by a third of what it falls in all.
    """
    losses = features.losses_from(0.0)
    third = len(losses) // 3
    if third < 2:
        return True
    before, last = losses[-2 * third : -third], losses[-third:]
    error = float(np.hypot(before.std(ddof=1), last.std(ddof=1))) / third**0.5
    gap = float(last.mean()) - thresholds.learned
    return bool(before.mean() - last.mean() + 2.0 * error >= gap / 3.0)


MEMORIZED = 0.9
"""Above this fraction of the loss of always predicting the average, what a network that moved far learned is no more
than it can learn by heart of a few samples."""


def moved_far_for_nothing(features: Features, thresholds: Thresholds) -> bool:
    """Whether a layer moved by its own size or more, and the loss stayed near that of always predicting the average.

    Steps were large and many enough then. Of the faults in the benchmark's programs that look like this, all but those
    of plain SGD with small steps were targets that belong to other inputs.
    """
    loss, total = features.relative_train_loss, features.total_update
    return loss is not None and total is not None and loss > MEMORIZED and total >= thresholds.large_update


_NARROW = 3
"""Units of a hidden layer up to which it may be too narrow."""


def narrow(record: RunRecord) -> int | None:
    """The units of the narrowest hidden layer, if they are so few that the network may be too small; None otherwise."""
    width = min((site.units for site in record.sites if site.kind == "pre_activation"), default=_NARROW + 1)
    return width if width <= _NARROW else None


FEW_STEPS = 100
"""At the 1e-3 of a healthy step (Karpathy), so many steps move a layer by a tenth of its size, and no more."""
NOTHING_LEARNED = 0.95
"""Above this fraction of the loss of always predicting the average, nothing was learned; the rest is scatter."""
NEAR = 2.0 / 3.0
"""A slope from this fraction of its threshold on is near it: 1 for 1.5, where learning begins to degrade."""


def near_slope(features: Features, thresholds: Thresholds) -> float | None:
    """The steeper of D at the start and over the first quarter, if it is near its threshold, but does not reach it."""
    known = [slope for slope in (features.depth_slope_start, features.depth_slope_early) if slope is not None]
    steepest = max(known, key=abs, default=0.0)
    return steepest if NEAR * thresholds.depth_slope <= abs(steepest) < thresholds.depth_slope else None


def near_slope_evidence(features: Features, thresholds: Thresholds) -> tuple[Evidence, ...]:
    """A slope that is near its threshold, as evidence of other conditions to which it may contribute."""
    slope = near_slope(features, thresholds)
    if slope is None:
        return ()
    return (
        Evidence("depth_slope", slope, "orders of magnitude", thresholds.depth_slope * (1.0 if slope > 0 else -1.0)),
    )


def near_slope_in_words(features: Features, thresholds: Thresholds) -> str:
    """The clause of a summary that states this; empty if the slope is not near."""
    slope = near_slope(features, thresholds)
    if slope is None:
        return ""
    verb, name = ("shrink", "vanishing") if slope > 0 else ("grow", "exploding")
    return (
        f"; gradients {verb} by a factor of 10^{abs(slope):.1f} from output to input, close to the"
        f" 10^{thresholds.depth_slope:g} from which they count as {name}, so this may contribute"
    )


def loss_evidence(features: Features, thresholds: Thresholds) -> tuple[Evidence, ...]:
    """The final loss relative to always predicting the average, which decides about harm."""
    loss = features.relative_train_loss
    if loss is None:
        return ()
    return (Evidence("relative_train_loss", loss, "ratio", thresholds.learned),)


NOT_ENDED = "training has not finished"
NO_YARDSTICK = "the loss of always predicting the average is not known"


def outcome_in_words(features: Features, thresholds: Thresholds) -> str:
    """The clause of a summary that states the outcome of the training."""
    loss = features.relative_train_loss
    if features.diverged:
        return f"training ended at step {features.nonfinite_step} with a loss or gradient that is not finite"
    if loss is None or isnan(loss):
        unknown = NO_YARDSTICK if features.finished else NOT_ENDED
        return f"{unknown}, so it is not known whether this hurts"
    if learned(features, thresholds):
        return f"the network learned anyway (its training loss fell to {against_constant(loss)})"
    if loss > 1.1:
        initial = features.relative_initial_loss
        came_down = initial is not None and loss <= initial
        how = (
            "is still worse than always predicting the average"
            if came_down
            else "ended worse than if it had learned nothing"
        )
        return f"the network {how} (its training loss is {against_constant(loss)})"
    if loss > NOTHING_LEARNED:
        return f"the network learned nothing (its training loss is {against_constant(loss)})"
    return f"the network learned too little (its training loss is {against_constant(loss)})"


def against_constant(ratio: float) -> str:
    """A loss relative to that of the best constant prediction, in words."""
    if ratio > 100:
        return f"{ratio:.3g} times the loss of always predicting the average"
    return f"{percent(ratio)} of the loss of always predicting the average"


def percent(ratio: float) -> str:
    """A ratio as a percentage: 1.3 %, 98 %, 340 %."""
    value = 100.0 * ratio
    if 0.0 <= value < 0.05:
        return "less than 0.1 %"
    return f"{value:.1f} %" if value < 10 else f"{value:,.0f} %"


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: `1 step`, `20 steps`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def named(layer: str, record: RunRecord) -> str:
    """A layer's name as a person recognizes it: one that is only a number, with its class, `6 (Linear)`."""
    if not layer.rpartition(".")[2].isdigit():
        return layer
    kind = next((weight.module for weight in record.weights if weight.name == layer), None)
    return layer if kind is None else f"{layer} ({kind})"


def all_named(layers: Sequence[str], record: RunRecord) -> str:
    """Layer names in a sentence, as `listed` does, each as a person recognizes it."""
    return listed(tuple(named(layer, record) for layer in layers))


def listed(layers: tuple[str, ...], *, most: int = 4) -> str:
    """Layer names in a sentence: `3.linear`, `3.linear and 5.linear`, `3.linear, 5.linear and 9 more`."""
    if len(layers) <= 1:
        return "".join(layers)
    if len(layers) <= most:
        return f"{', '.join(layers[:-1])} and {layers[-1]}"
    return f"{', '.join(layers[: most - 1])} and {len(layers) - most + 1} more"
