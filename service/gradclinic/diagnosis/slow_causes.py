"""What most likely keeps a network from learning where nothing is broken: what to change, and what is to blame."""

import numpy as np

from ..kernel.vocabulary import Blame
from ..measurements.record import RunRecord
from .features import Features
from .initial_weights import huge_weights, tiny_weights
from .learning_rate import faded
from .momentum import blamed_first, too_large
from .outcome import (
    FEW_STEPS,
    NOTHING_LEARNED,
    columns_of_codes,
    first_update,
    may_still_fall,
    moved_by_its_size,
    moved_far_for_nothing,
    narrow,
    replaced_at_first,
    small_steps_suspected,
    steps_are_ordinary,
    still_falling,
)
from .phrase import against_constant, counted, percent
from .thresholds import Thresholds

Cause = tuple[str, tuple[Blame, ...]]
"""What to change, in words, and the parts of the training that are to blame, best first."""

_CLIPPED: Cause = (
    (
        "almost every gradient is clipped, and no layer moved by its own size, so clip at a larger norm, or take larger"
        " steps"
    ),
    ("clipping", "learning_rate", "optimizer"),
)
_UNCLEAR: Cause = (
    "the losses are too few to show whether they still fall, so train for longer first",
    ("steps", "learning_rate", "architecture"),
)
_FEW_SAMPLES = 2
"""A gradient of so few samples is noise for the most part, and only small steps average it."""
_GUESSING = 1.05
"""Up to this ratio a loss is that of always predicting the average, and no worse."""
_OF_A_LINE: Cause = (
    (
        "the network is a linear function of its inputs, and the loss no longer clearly falls, so add a hidden layer"
        " with an activation such as ReLU"
    ),
    ("architecture", "hidden_activation", "steps"),
)
_AT_ITS_LIMIT: Cause = (
    "the loss is no longer falling, so try a larger network, check the data, or change the optimizer",
    ("architecture", "data", "optimizer"),
)
_LARGE_STEP = 0.03
"""Mean relative change of the most changed layer a step, from which steps count as large: 30 times the 1e-3 of a
healthy step. A judgement, asked only where nothing was learned, nothing else is wrong and the loss stands still."""


def cause(features: Features, record: RunRecord, thresholds: Thresholds) -> Cause:
    """What most likely keeps the network from learning."""
    started = thrown_back(record, thresholds) or of_initial_size(record) or _of_codes(features, record, thresholds)
    if started is not None:
        return started
    if still_falling(features):
        by_heart = _learns_by_heart(features, thresholds)
        return _guesses(record) if by_heart else _while_falling(features, record, thresholds)
    other = _other_cause(features, record, thresholds)
    if other is not None:
        return other
    return _UNCLEAR if may_still_fall(features, thresholds) else _AT_ITS_LIMIT


def thrown_back(record: RunRecord, thresholds: Thresholds) -> Cause | None:
    """Whether the first step replaced the weights, so that training went on from what it left."""
    if not replaced_at_first(record, thresholds):
        return None
    changed = first_update(record) or 0.0
    return (
        f"the first step changed a typical layer by {changed:.2g} times its size, so lower the learning rate",
        ("learning_rate", "schedule", "initialization"),
    )


def of_initial_size(record: RunRecord) -> Cause | None:
    """Whether the initial weights are far smaller or larger than those of any common scheme."""
    tiny, huge = tiny_weights(record), huge_weights(record)
    if tiny is not None:
        than = f"{percent(tiny)} of their inputs' size, where common ones pass on 60 % or more"
    elif huge is not None:
        than = f"{huge:.2g} times their inputs' size, where common ones pass on 1.7 times or less"
    else:
        return None
    return (
        f"the initial weights of a typical layer pass on {than}, so draw them as those do (Xavier, He)",
        ("initialization", "learning_rate", "steps"),
    )


def _of_codes(features: Features, record: RunRecord, thresholds: Thresholds) -> Cause | None:
    """Numbers of categories that a dense layer takes for amounts, where steps were not lacking."""
    codes = columns_of_codes(record)
    if not codes or not moved_by_its_size(features, thresholds):
        return None
    columns = counted(codes, "column of the inputs holds", "columns of the inputs hold")
    return (
        (
            f"{columns} the whole numbers from 0 or 1 on: if they stand for categories, give each category a column"
            " (one-hot) or an embedding"
        ),
        ("data", "architecture", "input_scaling"),
    )


def _other_cause(features: Features, record: RunRecord, thresholds: Thresholds) -> Cause | None:
    """What keeps a loss that no longer falls from falling: a rate that faded early, or steps that are too large."""
    left = faded(record)
    if left is not None:
        return (
            (
                f"halfway through, the schedule had lowered the learning rate to {left:.2g} of its maximum, so let it"
                " fall later"
            ),
            ("schedule", "learning_rate"),
        )
    seen = record.preflight
    samples = (seen.step_samples or seen.batch_size) if seen is not None else None
    if samples is not None and samples <= _FEW_SAMPLES:
        return (
            (
                f"each step follows {counted(samples, 'sample')} only, so it is mostly noise: take larger"
                " batches or smaller steps"
            ),
            ("batch_size", "learning_rate"),
        )
    if seen is not None and seen.linear and (features.relative_train_loss or 0.0) <= NOTHING_LEARNED:
        return _OF_A_LINE
    a_step = (features.total_update or 0.0) / max(1, features.steps_done)
    if a_step > _LARGE_STEP:
        return (
            (
                f"each step changes a layer by {percent(a_step)} of its size on average, so try a lower"
                f" {'learning rate' if too_large(record) is None else 'momentum'}"
            ),
            blamed_first(("learning_rate", "optimizer", "data"), record),
        )
    loss, total = features.relative_train_loss or 0.0, features.total_update
    if loss > NOTHING_LEARNED and total is not None and total < thresholds.large_update:
        return _CLIPPED if mostly_clipped(record) else _hardly_moved(total, features)
    return _guesses(record) if NOTHING_LEARNED < loss < _GUESSING else None


def _while_falling(features: Features, record: RunRecord, thresholds: Thresholds) -> Cause:
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
        if mostly_clipped(record):
            return _CLIPPED
        return (
            "the loss is still falling, and no layer moved by its own size, so take larger steps, or more of them",
            ("learning_rate", "steps", "optimizer"),
        )
    return "the loss is still falling, so more or larger steps may be enough", ("steps", "learning_rate")


def _hardly_moved(total: float, features: Features) -> Cause:
    """Where no layer has moved by its own size, and the loss is still that of guessing or worse."""
    few = features.steps_done < FEW_STEPS
    moved = f"no layer moved by more than {percent(total)} of its size"
    return (
        f"{moved}, so {'train for longer' if few else 'take larger steps'}",
        ("steps", "learning_rate", "labels") if few else ("learning_rate", "optimizer", "steps"),
    )


def _guesses(record: RunRecord) -> Cause:
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


_ALIKE: Cause = (
    (
        "the weights move, but the loss stays at the level of guessing, and before the first step all samples had the"
        " same output: look for a layer whose weights are zero or were never loaded, or which gives the same for every"
        " sample"
    ),
    ("initialization", "wiring", "normalization"),
)
_PAIRED_WRONGLY: Cause = (
    (
        "the weights move, but the loss stays at the level of guessing: check that each input is paired with its own"
        " target, then try another optimizer"
    ),
    ("labels", "data", "optimizer"),
)


def _learns_by_heart(features: Features, thresholds: Thresholds) -> bool:
    return moved_far_for_nothing(features, thresholds) and (features.relative_train_loss or 0.0) < _GUESSING


def mostly_clipped(record: RunRecord) -> bool:
    """Whether clipping sets the size of a typical step: more than half of them are clipped (a definition)."""
    clipped = record.get("clipped")
    return bool(len(clipped)) and float(np.nanmean(clipped.values)) > 0.5
