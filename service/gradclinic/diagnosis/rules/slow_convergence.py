from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np

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
from ..outcome import (
    FEW_STEPS,
    LARGE_STEP,
    NOTHING_LEARNED,
    blown_up,
    enough,
    failed,
    first_update,
    loss_left,
    may_still_fall,
    moved_far_for_nothing,
    narrow,
    small_steps_suspected,
    stayed_where_it_began,
    steps_are_ordinary,
    still_falling,
    tiny_weights,
)
from ..phrase import against_constant, counted, loss_evidence, outcome_in_words, percent
from ..slope import near_slope_evidence, near_slope_in_words
from ..thresholds import Thresholds
from .base import Order, Rule
from .exploding_gradients import ExplodingGradients
from .vanishing_gradients import VanishingGradients

_Cause = tuple[str, tuple[Blame, ...]]
"""What to change, in words, and the parts of the training that are to blame, best first."""


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
        if not (unknown or self._can_be(features, thresholds)) or not steps_too_small(features, thresholds):
            return None
        total = features.total_update or 0.0
        clipped = _clipped_share(record) > _MOSTLY
        faded = _faded(record) is not None
        advice = "clip less" if clipped else "let the schedule fall later" if faded else "raise the learning rate"
        moved = f"can have moved by more than {100 * total:.2g} % of its size" if total > 0 else "moved at all"
        summary = (
            f"Steps are too small, so {advice}: in {features.steps_done:,} steps no layer {moved}, although its"
            f" gradient is usable; {_stayed(record) if unknown else outcome_in_words(features, thresholds)}."
        )
        blames: tuple[Blame, ...] = ("learning_rate", "steps")
        if clipped or faded:
            blames = ("clipping" if clipped else "schedule", "learning_rate")
        return self._found(features, record, thresholds, summary=summary, certainty=0.99, blames=blames)

    def remainder(
        self, features: Features, record: RunRecord, thresholds: Thresholds, *, doubt: float
    ) -> Finding | None:
        """What is left when a run did not learn and no other rule does harm; `doubt` is how near the others came.

        A network that learned a part and still learns only wants more steps: a warning, nothing critical.
        """
        if not self._can_be(features, thresholds):
            return None
        advice, blames = _cause(features, record, thresholds)
        learning = _thrown_back(record, thresholds) is None and still_falling(features)
        summary = (
            f"In {features.steps_done:,} steps {outcome_in_words(features, thresholds)}; {advice}"
            f"{near_slope_in_words(features, thresholds)}."
        )
        return self._found(
            features,
            record,
            thresholds,
            summary=summary,
            certainty=min(1.0 - doubt, _BLAMED_RIGHTLY),
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
    ) -> Finding:
        evidence = list(loss_evidence(features, thresholds))
        if features.total_update is not None:
            evidence.append(Evidence("total_update", features.total_update, "weights", thresholds.small_update))
        if features.relative_gradient is not None:
            evidence.append(
                Evidence("relative_gradient", features.relative_gradient, "ratio", thresholds.usable_gradient)
            )
        known = features.relative_train_loss is not None
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


_MOSTLY = 0.5
"""Fraction of the steps that are clipped from which clipping sets the size of a typical one (a definition)."""
_CLIPPED: _Cause = (
    (
        "almost every gradient is clipped, and no layer moved by its own size, so clip at a larger norm, or take larger"
        " steps"
    ),
    ("clipping", "learning_rate", "optimizer"),
)
_BLAMED_RIGHTLY = 0.67
"""How often what is left over blames a true part: 7 of the 10 programs of `benchmark diagnosis --wild` on which it was
fitted, by the rule of succession; and 6 of 9 others. Where steps are measured to be too small, 14 of 14 were right."""
_SMALL_RIGHTLY = 0.94
"""That by the rule of succession, for runs of which it is only known that the loss stayed where it began."""
_FADED = 0.01
"""The learning rate halfway through training, over its largest, from which a schedule ended the training early."""
_UNCLEAR: _Cause = (
    "the losses are too few to show whether they still fall, so train for longer first",
    ("steps", "learning_rate", "architecture"),
)
_FEW_SAMPLES = 2
"""A gradient of so few samples is noise for the most part, and only small steps average it."""
_GUESSING = 1.05
"""Up to this ratio a loss is that of always predicting the average, and no worse."""
_AT_ITS_LIMIT: _Cause = (
    "the loss is no longer falling, so try a larger network, check the data, or change the optimizer",
    ("architecture", "data", "optimizer"),
)


def _stayed(record: RunRecord) -> str:
    return f"the training loss is still {percent(loss_left(record) or 1.0)} of what it was at first"


def _cause(features: Features, record: RunRecord, thresholds: Thresholds) -> _Cause:
    """What most likely keeps the network from learning."""
    started = _thrown_back(record, thresholds) or _of_tiny_weights(record) or _of_codes(features, record, thresholds)
    if started is not None:
        return started
    if still_falling(features):
        by_heart = _learns_by_heart(features, thresholds)
        return _guesses(record) if by_heart else _while_falling(features, record, thresholds)
    other = _other_cause(features, record, thresholds)
    if other is not None:
        return other
    return _UNCLEAR if may_still_fall(features, thresholds) else _AT_ITS_LIMIT


def _thrown_back(record: RunRecord, thresholds: Thresholds) -> _Cause | None:
    """Whether the first step replaced the weights, so that training went on from what it left."""
    changed = first_update(record)
    if changed is None or changed < thresholds.large_update:
        return None
    return (
        f"the first step changed a typical layer by {changed:.2g} times its size, so lower the learning rate",
        ("learning_rate", "schedule", "initialization"),
    )


def _of_tiny_weights(record: RunRecord) -> _Cause | None:
    gain = tiny_weights(record)
    if gain is None:
        return None
    return (
        (
            f"the initial weights of a typical layer pass on {percent(gain)} of their inputs' size, where common ones"
            " pass on 60 % or more, so draw them as those do (Xavier, He)"
        ),
        ("initialization", "learning_rate", "steps"),
    )


def _of_codes(features: Features, record: RunRecord, thresholds: Thresholds) -> _Cause | None:
    """Numbers of categories that a dense layer takes for amounts, where steps were not lacking."""
    seen = record.preflight.inputs if record.preflight is not None else None
    embedded = any(weight.is_looked_up for weight in record.weights)
    moved = (features.total_update or 0.0) >= thresholds.large_update
    if seen is None or not seen.codes or embedded or not moved:
        return None
    columns = counted(seen.codes, "column of the inputs holds", "columns of the inputs hold")
    return (
        (
            f"{columns} the whole numbers from 0 or 1 on: if they stand for categories, give each category a column"
            " (one-hot) or an embedding"
        ),
        ("data", "architecture", "input_scaling"),
    )


def _other_cause(features: Features, record: RunRecord, thresholds: Thresholds) -> _Cause | None:
    """What keeps a loss that no longer falls from falling: a rate that faded early, or steps that are too large."""
    faded = _faded(record)
    if faded is not None:
        return (
            (
                f"the schedule had lowered the learning rate to {faded:.2g} of its largest by half of the steps, so let"
                " it fall later"
            ),
            ("schedule", "learning_rate"),
        )
    seen = record.preflight
    if seen is not None and seen.batch_size is not None and seen.batch_size <= _FEW_SAMPLES:
        return (
            (
                f"each step follows {counted(seen.batch_size, 'sample')} only, so it is mostly noise: take larger"
                " batches or smaller steps"
            ),
            ("batch_size", "learning_rate"),
        )
    a_step = (features.total_update or 0.0) / max(1, features.steps_done)
    if a_step > LARGE_STEP:
        return (
            f"each step changes a layer by {percent(a_step)} of its size on average, so try a lower learning rate",
            ("learning_rate", "optimizer", "data"),
        )
    loss, total = features.relative_train_loss or 0.0, features.total_update
    if loss > NOTHING_LEARNED and total is not None and total < thresholds.large_update:
        return _CLIPPED if _clipped_share(record) > _MOSTLY else _hardly_moved(total, features)
    return _guesses(record) if NOTHING_LEARNED < loss < _GUESSING else None


def _while_falling(features: Features, record: RunRecord, thresholds: Thresholds) -> _Cause:
    """What to change where a loss still falls: where it starts, the size of the steps, or their number."""
    start, loss = features.relative_initial_loss or 0.0, features.relative_train_loss or 0.0
    if start > thresholds.blown_up and loss > _GUESSING:
        return (
            (
                f"it started at {against_constant(start)} and is still on its way down, so start with smaller weights"
                " or outputs, then take larger steps"
            ),
            ("initialization", "learning_rate", "target_scaling"),
        )
    if small_steps_suspected(features, record, thresholds):
        if _clipped_share(record) > _MOSTLY:
            return _CLIPPED
        return (
            "the loss is still falling, and no layer moved by its own size, so take larger steps, or more of them",
            ("learning_rate", "steps", "optimizer"),
        )
    return "the loss is still falling, so more or larger steps may be enough", ("steps", "learning_rate")


def _hardly_moved(total: float, features: Features) -> _Cause:
    """Where no layer has moved by its own size, and the loss is still that of guessing or worse."""
    few = features.steps_done < FEW_STEPS
    moved = f"no layer moved by more than {percent(total)} of its size"
    return (
        f"{moved}, so {'train for longer' if few else 'take larger steps'}",
        ("steps", "learning_rate", "labels") if few else ("learning_rate", "optimizer", "steps"),
    )


def _guesses(record: RunRecord) -> _Cause:
    """Where weights moved by their own size, and the loss is still that of guessing."""
    width, frozen = narrow(record), sum(not weight.trainable for weight in record.weights)
    if width is not None:
        return (
            (
                f"the weights move, but the loss stays at the level of guessing: take more units than the {width} of"
                " the narrowest hidden layer, and check that each input is paired with its own target"
            ),
            ("architecture", "labels", "data"),
        )
    if record.preflight is not None and record.preflight.outputs is not None and record.preflight.outputs.constant:
        return _ALIKE
    if frozen:
        return (
            (
                f"the weights move, but the loss stays at the level of guessing, and {frozen} of"
                f" {counted(len(record.weights), 'layer')} with weights are frozen: check that their trained weights"
                " were loaded, or train them as well"
            ),
            ("initialization", "wiring", "labels"),
        )
    used = record.preflight.optimizer if record.preflight is not None else None
    if used is not None and not steps_are_ordinary(record):
        return (
            (
                f"the weights move, but the loss stays at the level of guessing: lower the learning rate, because"
                f" {used.learning_rate:g} is more than usual for {used.name}, then check that each input is paired with"
                " its own target"
            ),
            ("learning_rate", "labels", "data"),
        )
    return _PAIRED_WRONGLY


_ALIKE: _Cause = (
    (
        "the weights move, but the loss stays at the level of guessing, and before the first step all samples had the"
        " same output: look for a layer whose weights are zero or were never loaded, or which gives the same for every"
        " sample"
    ),
    ("initialization", "wiring", "normalization"),
)
_PAIRED_WRONGLY: _Cause = (
    (
        "the weights move, but the loss stays at the level of guessing: check that each input is paired with its own"
        " target, then try another optimizer"
    ),
    ("labels", "data", "optimizer"),
)


def _learns_by_heart(features: Features, thresholds: Thresholds) -> bool:
    return moved_far_for_nothing(features, thresholds) and (features.relative_train_loss or 0.0) < _GUESSING


def _faded(record: RunRecord) -> float | None:
    """The learning rate halfway over its largest, if almost nothing was left of it; None otherwise."""
    rates = record.get("learning_rate")
    if len(rates) < 2:
        return None
    values = rates.values[:, 0].astype(np.float64)
    halfway = values[min(len(values) - 1, int(rates.steps.searchsorted(0.5 * rates.steps[-1])))]
    largest = float(np.nanmax(values))
    return float(halfway / largest) if largest > 0 and halfway < _FADED * largest else None


def _are_too_small(finding: Finding) -> bool:
    total = next((evidence for evidence in finding.evidence if evidence.name == "total_update"), None)
    return total is not None and total.threshold is not None and total.value < total.threshold


def _clipped_share(record: RunRecord) -> float:
    clipped = record.get("clipped")
    return float(np.nanmean(clipped.values)) if len(clipped) else 0.0
