"""The outcome of a training: whether it diverged, learned, failed, moved, or may go on to fall."""

from math import isnan
from typing import NamedTuple

import numpy as np

from ..measurements.losses import Swings, at_first, at_last, batch_losses
from ..measurements.record import RunRecord
from .features import FEWEST_LAST, Features
from .initial_weights import huge_weights, tiny_weights
from .thresholds import Thresholds


def first_update(record: RunRecord) -> float | None:
    """Relative change of the typical layer (the median) by the first recorded step; None if unknown."""
    ratio = record.get("update_to_weight_ratio")
    known = ratio.values[0][np.isfinite(ratio.values[0])] if len(ratio) else ratio.values
    return float(np.median(known)) if known.size else None


def replaced_at_first(record: RunRecord, thresholds: Thresholds) -> bool:
    """Whether the first step was as large as the weights, which were not far too small themselves.

    What follows is then an effect of the steps, and not of the initialization.
    """
    return (first_update(record) or 0.0) >= thresholds.large_update and tiny_weights(record) is None


def blown_up(features: Features, thresholds: Thresholds) -> bool:
    """Whether training diverged: a loss or gradient that is not finite, or a loss that ended far above its start.

    The level of the last quarter counts beside the final value, which may be the peak of a swing. A loss that swings no
    higher than before oscillates instead, and one that ends where it began, up to the scatter of batches, stayed.
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


def onset_of_blow_up(features: Features, record: RunRecord) -> int:
    """The step from which on the batch loss never again came below twice its first value; the end if it never rose."""
    loss = record.get("train_loss")
    end = features.nonfinite_step if features.nonfinite_step is not None else max(0, features.steps_done - 1)
    if not len(loss) or not np.isfinite(loss.values[0, 0]):
        return int(loss.steps[0]) if len(loss) else end
    with np.errstate(invalid="ignore"):
        calm = np.flatnonzero(loss.values[:, 0] <= 2.0 * abs(loss.values[0, 0]))
    after = int(calm[-1]) + 1
    return int(loss.steps[after]) if after < len(loss) else end


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


def no_yardstick(features: Features) -> bool:
    """Whether the loss of always predicting the average is not known, or is 0, so that nothing is a part of it."""
    known = features.relative_train_loss
    return not features.diverged and (known is None or isnan(known))


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


def is_adaptive(record: RunRecord) -> bool:
    """Whether an optimizer trains whose steps do not grow with the gradient."""
    used = record.preflight.optimizer if record.preflight is not None else None
    return used is not None and used.name not in _PLAIN


def is_plain(record: RunRecord) -> bool:
    """Whether plain gradient descent trains, without momentum and without a step size of each weight's own."""
    used = record.preflight.optimizer if record.preflight is not None else None
    return used is not None and used.name == "SGD" and used.momentum == 0


def failed(features: Features, thresholds: Thresholds) -> bool:
    """Whether the run ended without having learned; False during the run, or without a loss to compare with."""
    if features.diverged:
        return True
    return features.finished and features.relative_train_loss is not None and not learned(features, thresholds)


_LATE = 0.75


def stands_still(record: RunRecord) -> bool:
    """Whether no weight got a gradient in the last quarter of the steps, although the loss is above 0.

    Where a whole layer is dead as well, nothing passes it, and the outputs are the same for all inputs.
    """
    gradients, losses = record.get("weight_grad_norm_l2"), record.get("train_loss")
    late = gradients.values[gradients.steps >= _LATE * record.steps]
    trainable = np.array([weight.trainable for weight in record.weights], bool)
    if not len(late) or not len(losses) or not trainable.any() or not float(losses.values[-1, 0]) > 0:
        return False
    return not bool(late[:, trainable].any())


_FEWEST_LOSSES = 32
_UNCHANGED = 0.9


def loss_left(record: RunRecord) -> float | None:
    """The loss of the last eighth of the steps over that of the first, medians; None if they are few or not above 0."""
    losses = batch_losses(record)
    if len(losses) < _FEWEST_LOSSES or not bool(np.isfinite(losses).all()):
        return None
    first, last = at_first(losses), at_last(losses)
    return last / first if first > 0 and last > 0 else None


def stayed_where_it_began(features: Features, record: RunRecord) -> bool:
    """Whether the loss hardly fell, where the loss of always predicting the average is not known, or is 0.

    By itself this is no failure: that of a generator stays as well, since its discriminator learns, too.
    """
    if not features.finished or not no_yardstick(features):
        return False
    left = loss_left(record)
    return left is not None and _UNCHANGED <= left <= 1.0 / _UNCHANGED


_FAR_DOWN = 1000.0
"""The loss at first over that at the end, from which training was a way down from where the scales had put it: initial
outputs of about 1 give losses of the order of 1."""


def came_from_afar(features: Features, record: RunRecord) -> bool:
    """Whether a loss that has nothing to be compared with began far above where it ended, and above 1."""
    if features.diverged or not features.finished or features.relative_train_loss is not None:
        return False
    losses = batch_losses(record)
    if len(losses) < _FEWEST_LOSSES or not bool(np.isfinite(losses).all()):
        return False
    last = at_last(losses)
    return float(losses[0]) > _FAR_DOWN * max(1.0, abs(last))


_GROWN = 100.0
"""The loss at the end over its first value from which steps that replaced the weights made it grow. A judgement: that
of a generator or of values that are learned grows in sound training, too, but by less, and not after such a step."""


def grown_after_replacement(features: Features, record: RunRecord, thresholds: Thresholds) -> float | None:
    """How many times its first value a loss that has nothing to be compared with ended at, if it grew that far.

    None also if the first step was smaller than the weights.
    """
    if not features.finished or not no_yardstick(features) or not replaced_at_first(record, thresholds):
        return None
    losses = batch_losses(record)
    if len(losses) < _FEWEST_LOSSES or not bool(np.isfinite(losses).all()) or not losses[0] > 0:
        return None
    grown = at_last(losses) / float(losses[0])
    return grown if grown >= _GROWN else None


def overflows_float16(features: Features, record: RunRecord) -> bool:
    """Whether the training broke while it computed in float16, whose largest number is 65,504, without a scaler."""
    precision = record.preflight.precision if record.preflight is not None else None
    return features.diverged and precision is not None and precision.lowest == "float16" and not precision.scaled


def enough(features: Features, thresholds: Thresholds) -> bool:
    """Whether there are enough steps and records to judge anything but a divergence."""
    return features.steps_done >= thresholds.min_steps and features.finite_records >= thresholds.min_records


def still_falling(features: Features) -> bool:
    """Whether the last third of the losses is below the third before it by more than their scatter."""
    known = _last_fall(features)
    return known is not None and known.fall > 2.0 * known.error


def may_still_fall(features: Features, thresholds: Thresholds) -> bool:
    """Whether the loss may reach the threshold in twice the steps, because the losses scatter too much to exclude it.

    A loss that falls evenly falls by a third of the whole from the mean of one third of the steps to that of the next.
    """
    known = _last_fall(features)
    return known is None or known.fall + 2.0 * known.error >= (known.last - thresholds.learned) / 3.0


class _LastFall(NamedTuple):
    """The fall of the losses from the second third to the last, and its standard error."""

    fall: float
    error: float
    last: float
    """Mean of the last third."""


def _last_fall(features: Features) -> _LastFall | None:
    """None if there are too few losses."""
    losses = features.losses_from(0.0)
    third = len(losses) // 3
    if third < 2:
        return None
    before, last = losses[-2 * third : -third], losses[-third:]
    error = float(np.hypot(before.std(ddof=1), last.std(ddof=1))) / third**0.5
    return _LastFall(float(before.mean() - last.mean()), error, float(last.mean()))


MEMORIZED = 0.9
"""Above this fraction of the loss of always predicting the average, what a network that moved far learned is no more
than it can learn by heart of a few samples."""


def moved_far_for_nothing(features: Features, thresholds: Thresholds) -> bool:
    """Whether a layer moved by its own size or more, and the loss stayed near that of always predicting the average.

    Then the steps were large enough and many enough. Of the benchmark's faults that look like this, all were targets
    that belong to other inputs, except those of plain SGD with small steps.
    """
    loss = features.relative_train_loss
    return loss is not None and loss > MEMORIZED and moved_by_its_size(features, thresholds)


_WITHIN_A_STATE = ".weight_hh"
"""In the names of the matrices that torch's recurrent layers multiply their state with: [gates x units, units]."""
_NARROW = 3
"""Units of a hidden layer up to which it may be too narrow."""


def narrow(record: RunRecord) -> int | None:
    """The units of the narrowest hidden layer, if they are so few that the network may be too small; None otherwise."""
    layers = [site.units for site in record.sites if site.kind == "pre_activation"]
    states = [weight.shape[1] for weight in record.weights if _WITHIN_A_STATE in weight.name]
    width = min((*layers, *states), default=_NARROW + 1)
    return width if width <= _NARROW else None


_HEALTHY_STEP = 1e-3
"""Relative change of a layer by a healthy step (Karpathy, CS231n notes, neural-networks-3)."""


def small_steps_suspected(features: Features, record: RunRecord, thresholds: Thresholds) -> bool:
    """Whether steps that were small, rather than few, may be why a loss only falls slowly.

    No layer moved by its own size in 100 steps or more, with plain gradient descent or less than healthy steps.
    """
    total = features.total_update
    if total is None or total >= thresholds.large_update or features.steps_done < FEW_STEPS:
        return False
    return is_plain(record) or total < _HEALTHY_STEP * features.steps_done


FEW_STEPS = 100
"""At the 1e-3 of a healthy step (Karpathy), so many steps move a layer by a tenth of its size, and no more."""


FAR = 3.0
"""Sum of the steps over the size of the layer that moved most, from which steps were hardly lacking. A judgement,
between 2.4, of a network that had learned, and 5.9 and 6.4, of two that learned targets of other inputs by heart."""


def moved_by_its_size(features: Features, thresholds: Thresholds) -> bool:
    """Whether all steps together are at least as large as the layer that moved most."""
    return (features.total_update or 0.0) >= thresholds.large_update


def moved_far(features: Features) -> bool:
    """Whether a layer moved by so many times its size that steps were hardly lacking."""
    return (features.total_update or 0.0) >= FAR


def learned_a_part_of_text(features: Features, record: RunRecord, thresholds: Thresholds) -> bool:
    """Whether the loss of a language model fell a part of the way to the entropy of its text, which nobody knows.

    Neither steps were lacking, nor did the first one replace the weights, nor had these an unusual size, or it might be
    slow.
    """
    loss, seen = features.relative_train_loss, record.preflight
    return (
        seen is not None
        and seen.next_token
        and loss is not None
        and loss <= NOTHING_LEARNED
        and features.finished
        and moved_far(features)
        and not replaced_at_first(record, thresholds)
        and tiny_weights(record) is None
        and huge_weights(record) is None
    )


def columns_of_codes(record: RunRecord) -> int:
    """Number of the inputs' columns with numbers of categories, where no embedding tells these from amounts."""
    seen = record.preflight.inputs if record.preflight is not None else None
    embedded = any(weight.is_looked_up for weight in record.weights)
    return 0 if seen is None or embedded else seen.codes


_WEAK = 0.08
"""Square of the distance correlation of targets and inputs below which the targets may be mostly noise. A judgement,
between .035, of targets of which 30 % are explained by the inputs, and .17, of the least in 6 networks that were too
small for sound targets."""
_FEWEST_PAIRS = 100
"""With fewer samples, the correlation says little."""


def rest_may_be_noise(features: Features, record: RunRecord, thresholds: Thresholds) -> bool:
    """Whether a part was learned of targets that depend on the inputs weakly, by steps that were not lacking."""
    seen, loss = record.preflight.pairing if record.preflight is not None else None, features.relative_train_loss
    return (
        seen is not None
        and seen.samples >= _FEWEST_PAIRS
        and seen.correlation < _WEAK
        and not columns_of_codes(record)  # of which amounts show little
        and features.finished
        and loss is not None
        and loss <= MEMORIZED
        and moved_by_its_size(features, thresholds)
    )


WELL = 0.2
"""Up to this fraction of the loss of always predicting the average, a network learned so well that what looks odd was
probably meant, or did no harm. A judgement: features that were trained before leave less, and random ones more."""
NOTHING_LEARNED = 0.95
"""Above this fraction of the loss of always predicting the average, nothing was learned; the rest is scatter."""
