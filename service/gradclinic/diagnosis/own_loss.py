"""Faults of losses of a program's own: what they call, what they reward, and how far they fall."""

import numpy as np

from ..kernel.vocabulary import Blame
from ..measurements.losses import at_first, at_last, batch_losses
from ..measurements.preflight import InnerLoss, LossFacts, Preflight, SelfComparison
from ..measurements.profile import Array
from ..measurements.record import RunRecord
from .finding import Evidence
from .phrase import percent

LossFault = tuple[str, tuple[Evidence, ...], float, tuple[Blame, ...]]
"""What is wrong with a loss, without its consequence: a summary, evidence, a confidence, and what is to blame."""


def own_loss_fault(seen: Preflight, record: RunRecord) -> LossFault | None:
    """The first fault that is found in a loss of the program's own; None if there is none."""
    return (
        _of_self_comparison(seen)
        or _of_inner(seen)
        or _of_small_targets(seen)
        or _of_opposed(seen)
        or _of_exceeded(seen)
        or _of_no_floor(seen, record)
        or _of_endless_fall(seen, record)
        or _below_right(seen, record)
        or _of_nothing_to_learn(seen, record)
        or _of_collapse(seen, record)
    )


def falls_anyway(loss: LossFacts) -> bool:
    """Whether a small loss shows nothing: it falls for classes of others, for opposites, or for what it cannot take.

    Of a sum of losses, one that compares every output with every target shows nothing, however far the others fall.
    """
    misused = any(
        call.broadcasts or _takes_logarithms_of(call) or _takes_logits_from(call) or call.targets_outside_unit > 0
        for call in loss.inner
    )
    return loss.swapped or loss.opposed or loss.exceeded or misused or _self_compared(loss) is not None


def _self_compared(loss: LossFacts) -> SelfComparison | None:
    """How the loss, or one that it calls, compares each sample with itself."""
    return next((each for each in (loss.self_compared, *(call.self_compared for call in loss.inner)) if each), None)


_SELF_RIGHTLY = 0.67
"""By the rule of succession: in 1 of 1 training, SimCLR without its mask; not found in 163 correct programs."""


def _of_self_comparison(seen: Preflight) -> LossFault | None:
    """Likenesses of which each sample's own is the largest, and was not left out."""
    how = _self_compared(seen.loss) if seen.loss is not None else None
    if seen.loss is None or how is None:
        return None
    what = (
        "takes each sample for its own partner, whose likeness is the largest of its row whatever the network does:"
        " make the row of the other view the target, and mask the diagonal"
        if how == "partner"
        else "counts each sample among those that it should be unlike, although none is more like it: mask the diagonal"
        " of the likenesses with -inf"
    )
    return f"{seen.loss.name} {what}", (), _SELF_RIGHTLY, ("loss", "labels", "data")


_FALLEN = 10.0
"""A loss below 0 from the start that ends this many times as far below it falls without end, if it does not slow down.
Similarities end at -1, and begin at more than a tenth of that as a rule."""
_AT_FIRST = 8
"""Losses at first that are all below 0 where its sign is wrong. Those of a policy gradient scatter about 0."""
_STEADY = 0.25
"""Least part of the whole fall that comes in the second half. A logarithm of the steps, as that of a density that
narrows, has less than 0.2 from 32 steps on, and a straight line 0.5."""


def _goes_on_falling(losses: Array) -> bool:
    """Whether enough of the fall came in the second half of the steps, so that it does not slow down."""
    first, last = at_first(losses), at_last(losses)
    middle = float(np.median(np.array_split(losses, 2)[1][: len(losses) // 8]))
    return middle - last >= _STEADY * (first - last)


def _of_no_floor(seen: Preflight, record: RunRecord) -> LossFault | None:
    """A loss of the program's own that is below 0 from the first step and goes on to fall: its sign is wrong."""
    losses = batch_losses(record)
    losses = losses[np.isfinite(losses)]
    if seen.loss is None or seen.loss.takes != "unknown" or len(losses) < _FEWEST_LOSSES:
        return None
    first, last = at_first(losses), at_last(losses)
    below = bool((losses[:_AT_FIRST] < 0).all())
    if not below or not last < _FALLEN * first or not _goes_on_falling(losses):
        return None
    return (
        (
            f"{seen.loss.name} is below 0 from the first steps on, and falls without end (from {losses[0]:.2g} to"
            f" {last:.2g}): its sign is probably wrong, so put a minus before it"
        ),
        (Evidence("first_loss", float(losses[0]), "loss"), Evidence("last_loss", last, "loss")),
        0.8,
        ("loss",),
    )


_WITHOUT_END = 1000.0
"""A loss that ends this many times as far below 0 as it was from 0 at first, in steps that do not slow down, ends
nowhere. Policy gradients that were sound came to 30 times, and a density falls with the logarithm of its width."""
_WITHOUT_END_RIGHTLY = 0.67
"""By the rule of succession: in 1 of 1 training, quantiles with levels of 10 and 90; not found in 163 correct ones."""


def _of_endless_fall(seen: Preflight, record: RunRecord) -> LossFault | None:
    """A loss of the program's own that a constant output lowers without end, and that did fall without end."""
    losses = batch_losses(record)
    if seen.loss is None or not seen.loss.endless or len(losses) < _FEWEST_LOSSES or not np.isfinite(losses).all():
        return None
    last, begun = at_last(losses), float(np.median(np.abs(losses[:_AT_FIRST])))
    if not last < -_WITHOUT_END * max(1.0, begun) or not _goes_on_falling(losses):
        return None
    return (
        (
            f"{seen.loss.name} falls without end for one output that grows (to {last:.2g}, from {losses[0]:.2g}), so it"
            " does not say what a right output is: check its signs, and that its weights, levels and targets have the"
            " range that it is made for, such as 0 to 1 and not percents"
        ),
        (Evidence("first_loss", float(losses[0]), "loss"), Evidence("last_loss", last, "loss")),
        _WITHOUT_END_RIGHTLY,
        ("loss", "target_scaling"),
    )


_LOG_PROBABILITIES = ("kl_div", "nll_loss", "ctc_loss")
"""Functions of `torch.nn.functional` that take logarithms of probabilities first."""
_LOGITS = ("cross_entropy", "binary_cross_entropy_with_logits")
"""Those that take logits first."""
_INNER_RIGHTLY = 0.88
"""How often it is right, by the rule of succession: in 6 of 6 trainings with a softmax or a sigmoid before such a
function; not found in 5 sound ones that call them."""
_ABOVE_0 = 1e-3
"""The logarithm of a probability is 0 at most, and rounding adds less than this."""


def _takes_logarithms_of(call: InnerLoss) -> bool:
    """Whether it takes logarithms of probabilities, and gets something else."""
    return call.function in _LOG_PROBABILITIES and call.high > _ABOVE_0


def _takes_logits_from(call: InnerLoss) -> bool:
    """Whether it takes logits, and gets probabilities."""
    return call.function in _LOGITS and call.activation in ("softmax", "sigmoid")


_ENOUGH = 256
"""Entries from which numbers that are all between 0 and 1 are no logits of an untrained network: those lie on both
sides of 0, and even 256 with a mean of half their deviation are all above it in 1 of 10^41 cases."""
_BETWEEN_RIGHTLY = 0.67
"""By the rule of succession: in 1 of 1 training, with a sigmoid that a split of the outputs hides; not found in 147
correct programs."""


def _takes_logits_between_0_and_1(call: InnerLoss) -> bool:
    return call.function in _LOGITS and call.form in ("unit_interval", "probabilities") and call.entries >= _ENOUGH


_BROADCAST_RIGHTLY = 0.9
"""As for torch's own losses of numbers: shapes that are broadcast to more entries than either has are no choice."""


def of_broadcast_shapes(loss: str) -> str:
    """What is wrong, and what to do, where outputs and targets are broadcast to more entries than either has."""
    return (
        f"{loss} compares every output with every target, since their shapes differ and are broadcast: give both the"
        " same shape"
    )


def _of_targets_outside(call: InnerLoss) -> LossFault | None:
    """A binary cross entropy with targets that are no probabilities: it has no lower bound."""
    outside = call.targets_outside_unit
    if not outside:
        return None
    return (
        (
            f"{call.function} takes targets between 0 and 1, and {percent(outside)} of them are not, so it has no lower"
            " bound: scale them"
        ),
        (Evidence("targets_outside", outside, "fraction", 0.0),),
        0.97,
        ("target_scaling", "loss", "data"),
    )


def _of_inner(seen: Preflight) -> LossFault | None:
    """A loss of torch's that a loss of the program's own calls as a function, with outputs of another form."""
    for call in seen.loss.inner if seen.loss is not None else ():
        if _takes_logarithms_of(call):
            gets = "probabilities" if call.form in ("probabilities", "unit_interval") else "plain numbers"
            return (
                (
                    f"{call.function} takes log-probabilities, and gets {gets}: put a log_softmax before it, where"
                    f" {'now a softmax is' if gets == 'probabilities' else 'nothing is'}"
                ),
                (Evidence("largest_output", call.high, "output", 0.0),),
                _INNER_RIGHTLY,
                ("loss", "output_activation"),
            )
        if _takes_logits_from(call):
            return (
                f"{call.function} takes logits, and gets the outputs of a {call.activation}: drop it",
                (Evidence("largest_output", call.high, "output"),),
                _INNER_RIGHTLY,
                ("output_activation", "loss"),
            )
        if _takes_logits_between_0_and_1(call):
            return (
                (
                    f"{call.function} takes logits, and gets numbers between 0 and 1 only, as those of a sigmoid:"
                    " drop it, or take the loss of probabilities"
                ),
                (Evidence("largest_output", call.high, "output"),),
                _BETWEEN_RIGHTLY,
                ("output_activation", "loss"),
            )
        if call.broadcasts:
            return (
                of_broadcast_shapes(call.function),
                (),
                _BROADCAST_RIGHTLY,
                ("wiring", "loss", "data"),
            )
        outside = _of_targets_outside(call)
        if outside is not None:
            return outside
    return None


_EXCEEDED_RIGHTLY = 0.83
"""How often it is right, by the rule of succession: in 4 of 4 trainings, with overlaps of outputs without a sigmoid;
not found in 7 sound ones."""


def _of_exceeded(seen: Preflight) -> LossFault | None:
    """A loss of the program's own that rewards outputs beyond their targets, which nothing keeps in range."""
    loss, outputs = seen.loss, seen.outputs
    if loss is None or outputs is None or not loss.exceeded or outputs.activation in _WITHIN_0_AND_1:
        return None
    return (
        (
            f"{loss.name} is smaller for outputs of 2 than for the right ones, 0 and 1, and nothing keeps outputs"
            " between 0 and 1: put a sigmoid before it"
        ),
        (Evidence("largest_output", outputs.high, "output", 1.0),),
        _EXCEEDED_RIGHTLY,
        ("output_activation", "loss"),
    )


_WITHIN_0_AND_1 = ("sigmoid", "softmax", "hardsigmoid")


_DOMINATES = 20.0
"""Gradient of a sample over the median one from which a few samples decide: a judgement. Targets that are twenty times
as near to 0 as the typical one are near it."""
_SMALL_TARGETS_RIGHTLY = 0.8
"""By the rule of succession: in 3 of 3 trainings; not found to do harm in 105 correct programs."""


def _of_small_targets(seen: Preflight) -> LossFault | None:
    """A loss of the program's own that divides by its targets, some of which are near 0."""
    loss = seen.loss
    if loss is None or loss.small_targets is None or loss.small_targets < _DOMINATES:
        return None
    if seen.outputs is not None and seen.outputs.constant:  # then the outputs are what is wrong
        return None
    return (
        (
            f"{loss.name} divides by its targets, and some are near 0: one sample of the first batch has"
            f" {loss.small_targets:.2g} times the gradient of the typical one; take the squared or absolute error, or"
            " targets away from 0"
        ),
        (Evidence("largest_gradient", loss.small_targets, "ratio", _DOMINATES),),
        _SMALL_TARGETS_RIGHTLY,
        ("loss", "target_scaling"),
    )


_OPPOSED_RIGHTLY = 0.83
"""How often it is right, by the rule of succession: in 4 of 4 trainings with overlaps of masks (and 1 of 1 with
cosines); not found in 7 sound ones with targets of zeros and ones."""


def _of_opposed(seen: Preflight) -> LossFault | None:
    if seen.loss is None or not seen.loss.opposed:
        return None
    return (
        (
            f"{seen.loss.name} is smaller for outputs that are the opposite of their targets than for right ones, so"
            " training unlearns the targets: take 1 - it, or its negative"
        ),
        (),
        _OPPOSED_RIGHTLY,
        ("loss",),
    )


_NOTHING_RIGHTLY = 0.83
"""How often it is right, by the rule of succession: in 4 of 4 trainings, without unlike pairs or without a determinant;
not found in 6 sound ones that compare views of a sample, or a sample with itself."""


def _of_nothing_to_learn(seen: Preflight, record: RunRecord) -> LossFault | None:
    """A loss of the program's own that one output for all samples brings to its least value: samples do not count."""
    loss = seen.loss
    if loss is None or loss.takes != "unknown" or loss.residual or loss.constant is None or loss.floor is None:
        return None
    left, outcome = loss.spread_left, record.outcome
    if outcome is None or left is None or not left <= _COLLAPSED:
        return None
    fell_to = outcome.final_train_loss - loss.floor
    if not loss.constant - loss.floor <= _EQUAL * max(abs(loss.constant), abs(loss.floor)):
        return None
    if not fell_to <= _CLEARLY * (outcome.initial_train_loss - loss.floor):
        return None
    return (
        (
            f"{loss.name} has its least value ({loss.floor:.3g}) where the output is the same for every sample, and the"
            f" outputs came down to {percent(left)} of their spread: add what tells samples apart, such as unlike"
            " pairs, a log determinant or the targets"
        ),
        (
            Evidence("constant_loss", loss.constant, "loss", loss.floor),
            Evidence("spread_left", left, "ratio", _COLLAPSED),
        ),
        _NOTHING_RIGHTLY,
        ("loss",),
    )


def _of_collapse(seen: Preflight, record: RunRecord) -> LossFault | None:
    """A loss of the program's own that falls below 0 by outputs that became one for all samples.

    It counts if one output for all lowers it without end, or if next to nothing of the outputs' spread is left.
    """
    loss, outcome = seen.loss, record.outcome
    if loss is None or loss.takes != "unknown" or loss.spread_left is None or outcome is None:
        return None
    fell = outcome.final_train_loss < min(0.0, outcome.initial_train_loss)
    if not fell or not loss.spread_left <= (_COLLAPSED if loss.endless else _GONE):
        return None
    how = "without end for an output that is the same" if loss.endless else "although the outputs became the same"
    return (
        (
            f"{loss.name} falls {how} for every sample, and the outputs came down"
            f" to {percent(loss.spread_left)} of their spread: a part of it probably has the wrong sign, such as a log"
            " determinant or an entropy"
        ),
        (
            Evidence("last_loss", outcome.final_train_loss, "loss"),
            Evidence("spread_left", loss.spread_left, "ratio", _COLLAPSED),
        ),
        _COLLAPSE_RIGHTLY,
        ("loss",),
    )


_COLLAPSE_RIGHTLY = 0.67
"""How often it is right, by the rule of succession: in 1 of 1 training, a flow; not found in 105 correct programs."""
_COLLAPSED = 0.1
"""Spread of the outputs over samples, last over first, from which they have become one: a judgement. Those of networks
that learn grow as a rule."""
_GONE = 1e-3
"""The same where it is not known that one output for all samples lowers the loss without end."""
_EQUAL = 1e-3
"""Relative difference of two fitted losses up to which they are the same: ten times what a fit may still gain."""


def _below_right(seen: Preflight, record: RunRecord) -> LossFault | None:
    """A loss of the program's own that ended lower than for right outputs: its outputs left the range that it takes."""
    right = seen.loss.right_loss if seen.loss is not None else None
    losses = batch_losses(record)
    if seen.loss is None or right is None or len(losses) < _FEWEST_LOSSES or not np.isfinite(losses).all():
        return None
    last = at_last(losses)
    if not losses[0] > right or not last < right - _CLEARLY * (losses[0] - right):
        return None
    return (
        (
            f"{seen.loss.name} fell to {last:.2g}, below the {right:.2g} that it has for right outputs, so the outputs"
            " have left the range that it is made for: put a sigmoid before it"
        ),
        (Evidence("last_loss", last, "loss", right),),
        _BELOW_RIGHTLY,
        ("output_activation", "loss"),
    )


_BELOW_RIGHTLY = 0.83
"""How often it is right, by the rule of succession: in 4 of 4 trainings, with Dice and Tversky losses; not found in 18
sound ones with other losses of zeros and ones."""
_CLEARLY = 0.05
"""By this much of the whole fall a loss ends below that of right outputs, beyond the scatter of batches."""
_FEWEST_LOSSES = 32
