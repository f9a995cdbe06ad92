from collections.abc import Sequence
from math import inf, log, sqrt
from typing import ClassVar, Literal

import numpy as np

from ...kernel.vocabulary import Blame
from ...measurements.preflight import (
    BOUNDS,
    InnerLoss,
    LossFacts,
    OutputFacts,
    Preflight,
    TargetFacts,
    least_binary_cross_entropy,
    least_cross_entropy,
)
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import LOG_PROBABILITIES, PLAIN_OUTPUTS, USUAL_LOSS
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import not_known_to_have_learned
from ..phrase import outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule

_Fault = tuple[str, tuple[Evidence, ...], float, tuple[Blame, ...]]


class LossMismatch(Rule):
    """The loss does not fit the outputs or targets that it receives."""

    condition: Literal["loss_mismatch"] = "loss_mismatch"
    source: ClassVar[str] = "definition of each loss in torch.nn; Goodfellow et al. 2016, Deep Learning, 6.2.2"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
        found = _found(seen, record) if seen is not None else None
        if found is None:
            return None
        summary, evidence, confidence, blames = found
        error = _error_of_class_numbers(features, record)
        rounds_wrong = error is not None and error > _OFF
        if rounds_wrong:
            summary += f" (off by {error:.2g} on average, more than 1 output in 10 rounds to another class)"
        hides_a_class = any(each.name == "rare_weight" for each in evidence)  # the loss falls without that class
        falls_anyway = seen is not None and seen.loss is not None and _falls_anyway(seen.loss)
        return self.finding(
            features,
            harm=not_known_to_have_learned(features, thresholds) or rounds_wrong or hides_a_class or falls_anyway,
            confidence=confidence,
            evidence=evidence,
            summary=f"{summary}; {outcome_in_words(features, thresholds)}.",
            blames=blames,
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.LOSS_OR_OUTPUT

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (PLAIN_OUTPUTS, USUAL_LOSS, LOG_PROBABILITIES)


def _falls_anyway(loss: LossFacts) -> bool:
    """Whether a small loss shows nothing: it falls for classes of others, for opposites, or for what it cannot take."""
    misused = any(_takes_logarithms_of(call) or _takes_logits_from(call) for call in loss.inner)
    return loss.swapped or loss.opposed or loss.exceeded or misused


def _found(seen: Preflight, record: RunRecord) -> _Fault | None:
    return (
        _fault(seen)
        or _of_inner(seen)
        or _of_opposed(seen)
        or _of_exceeded(seen)
        or _of_no_floor(seen, record)
        or _below_right(seen, record)
        or _of_nothing_to_learn(seen, record)
    )


def _fault(seen: Preflight) -> _Fault | None:
    loss, outputs, targets = seen.loss, seen.outputs, seen.targets
    if loss is None or outputs is None:
        return None
    return (
        _of_sign(loss)
        or _of_axes(loss)
        or _of_outputs(loss, outputs)
        or _of_bounded_logits(loss, outputs, targets)
        or (_of_targets(loss, outputs, targets) if targets is not None else None)
        or _of_weights(loss)
    )


def _of_sign(loss: LossFacts) -> _Fault | None:
    if not loss.maximized:
        return None
    return (
        f"Training makes {loss.name} larger: the program differentiates it with a minus, so drop the minus",
        (),
        0.97,
        ("loss",),
    )


_SWAPPED_RIGHTLY, _BROADCAST_RIGHTLY = 0.89, 0.86
"""How often it is right, by the rule of succession: in 7 of 7 trainings with outputs reshaped so, and in 5 of 5 with a
loss of the program's own that broadcasts, from the benchmark and made for this; neither is found in 15 sound ones."""


def _of_axes(loss: LossFacts) -> _Fault | None:
    if not loss.swapped:
        return None
    return (
        (
            f"The outputs are reshaped before {loss.name} where two of their axes must be swapped, so that a row mixes"
            " several places and one class: use permute or transpose, and a reshape only after it"
        ),
        (),
        _SWAPPED_RIGHTLY,
        ("wiring", "loss"),
    )


_RARE = 0.5
"""Up to this many targets for each one of the most common class, a class is rare, and no longer one by chance."""


def _of_weights(loss: LossFacts) -> _Fault | None:
    """Class weights that make the rare class weigh less, where they are meant to make up for its rarity."""
    weight, fraction = loss.rare_weight, loss.rare_fraction
    if weight is None or fraction is None or fraction > _RARE or weight > _RARE:
        return None
    how = (
        "pos_weight is the number of zeros over that of ones"
        if loss.name == "BCEWithLogitsLoss"
        else "the rarest class needs the largest weight"
    )
    return (
        (
            f"The class weights are upside down: the rarest class has {fraction:.2g} times the targets of the most"
            f" common one, and {weight:.2g} times its weight, so it hardly counts; {how}"
        ),
        (Evidence("rare_weight", weight, "ratio", 1.0), Evidence("rare_fraction", fraction, "ratio")),
        0.85,
        ("loss", "data", "labels"),
    )


_FALLEN = 10.0
"""A loss below 0 from the start that ends this many times as far below it falls without end, if it does not slow down.
Similarities end at -1, and begin at more than a tenth of that as a rule."""
_STEADY = 0.25
"""Least part of the whole fall that comes in the second half. A logarithm of the steps, as that of a density that
narrows, has less than 0.2 from 32 steps on, and a straight line 0.5."""


def _of_no_floor(seen: Preflight, record: RunRecord) -> _Fault | None:
    """A loss of the program's own that is below 0 from the first step and goes on to fall: its sign is wrong."""
    losses = record.get("train_loss").values[:, 0].astype(np.float64)
    losses = losses[np.isfinite(losses)]
    if seen.loss is None or seen.loss.takes != "unknown" or len(losses) < _FEWEST_LOSSES:
        return None
    part = len(losses) // 8
    first, middle, last = (
        float(np.median(each)) for each in (losses[:part], np.array_split(losses, 2)[1][:part], losses[-part:])
    )
    if not losses[0] < 0 or not last < _FALLEN * first or not middle - last >= _STEADY * (first - last):
        return None
    return (
        (
            f"{seen.loss.name} is below 0 from the first step, and falls without end (from {losses[0]:.2g} to"
            f" {last:.2g}): its sign is probably wrong, so put a minus before it"
        ),
        (Evidence("first_loss", float(losses[0]), "loss"), Evidence("last_loss", last, "loss")),
        0.8,
        ("loss",),
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


def _of_inner(seen: Preflight) -> _Fault | None:
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
    return None


_EXCEEDED_RIGHTLY = 0.83
"""How often it is right, by the rule of succession: in 4 of 4 trainings, with overlaps of outputs without a sigmoid;
not found in 7 sound ones."""


def _of_exceeded(seen: Preflight) -> _Fault | None:
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


_OPPOSED_RIGHTLY = 0.83
"""How often it is right, by the rule of succession: in 4 of 4 trainings, with overlaps of masks; not found in 7 sound
ones with targets of zeros and ones."""


def _of_opposed(seen: Preflight) -> _Fault | None:
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


def _of_nothing_to_learn(seen: Preflight, record: RunRecord) -> _Fault | None:
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


_COLLAPSED = 0.1
"""Spread of the outputs over samples, last over first, from which they have become one: a judgement. Those of networks
that learn grow as a rule."""
_EQUAL = 1e-3
"""Relative difference of two fitted losses up to which they are the same: ten times what a fit may still gain."""


def _below_right(seen: Preflight, record: RunRecord) -> _Fault | None:
    """A loss of the program's own that ended lower than for right outputs: its outputs left the range that it takes."""
    right = seen.loss.right_loss if seen.loss is not None else None
    losses = record.get("train_loss").values[:, 0].astype(np.float64)
    if seen.loss is None or right is None or len(losses) < _FEWEST_LOSSES or not np.isfinite(losses).all():
        return None
    last = float(np.median(losses[-(len(losses) // 8) :]))
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


def _are_class_numbers(targets: TargetFacts) -> bool:
    """Whether the targets are the numbers from 0 on, each about as often: ratings or counts rarely are."""
    consecutive = targets.whole and targets.low == 0 and targets.high == targets.distinct - 1
    return targets.columns == 1 and consecutive and 2 < targets.distinct <= 20 and _evenly_spread(targets)


def _evenly_spread(targets: TargetFacts) -> bool:
    return targets.most_common <= 1.5 / targets.distinct


_OFF = 0.3
"""Root mean square error of class numbers from which 1 output in 10 rounds to another class: if errors are normal,
|error| > 0.5 has probability 0.096."""


def _error_of_class_numbers(features: Features, record: RunRecord) -> float | None:
    """The root mean square error, where class numbers are fitted by their squared error; None otherwise."""
    seen, loss = record.preflight, features.relative_train_loss
    if seen is None or seen.targets is None or seen.loss is None or loss is None or not loss > 0:
        return None
    if seen.loss.name != "MSELoss" or not _are_class_numbers(seen.targets):
        return None
    return sqrt(loss) * seen.targets.std


def has_no_floor(loss: LossFacts, outputs: OutputFacts) -> bool:
    """Whether the loss falls without end as the outputs grow, since they should be log-probabilities and are not."""
    return loss.takes == "log_probabilities" and loss.name == "NLLLoss" and outputs.form != "log_probabilities"


def _of_outputs(loss: LossFacts, outputs: OutputFacts) -> _Fault | None:
    if loss.name == "CrossEntropyLoss" and outputs.columns == 1:
        return (
            (
                "Cross entropy over a single output is 0 whatever the weights are: a yes-or-no output needs"
                " BCEWithLogitsLoss"
            ),
            (Evidence("output_units", 1.0, "units", 2.0),),
            0.99,
            ("loss", "output_activation"),
        )
    if has_no_floor(loss, outputs):
        return (
            (
                f"{loss.name} takes log-probabilities, and gets {_in_words(outputs)}: it has no lower bound then; put a"
                " log_softmax before it, or use CrossEntropyLoss"
            ),
            (Evidence("largest_output", outputs.high, "output", 0.0),),
            0.97,
            ("loss", "output_activation"),
        )
    return None


def _of_bounded_logits(loss: LossFacts, outputs: OutputFacts, targets: TargetFacts | None) -> _Fault | None:
    low, high = BOUNDS.get(outputs.activation or "", (-inf, inf))
    if loss.takes != "logits" or not (low >= 0 or high - low < inf):
        return None
    if high == inf:
        return (
            (
                f"{loss.name} takes logits of both signs, and the {outputs.activation} at the output gives none below"
                f" 0, so no class can be ruled out; drop the {outputs.activation}"
            ),
            (Evidence("smallest_output", outputs.low, "output"),),
            0.6,
            ("output_activation", "loss"),
        )
    if loss.name == "CrossEntropyLoss":
        floor, chance = least_cross_entropy(max(2, outputs.columns), outputs.activation), log(max(2, outputs.columns))
    else:
        ones = targets.mean if targets is not None and 0.0 < targets.mean < 1.0 else 0.5
        floor = least_binary_cross_entropy(ones, outputs.activation)
        chance = -ones * log(ones) - (1.0 - ones) * log(1.0 - ones)
    return (
        (
            f"{loss.name} takes logits, and gets the outputs of a {outputs.activation}: it cannot fall below"
            f" {floor:.2f} nats, where guessing costs {chance:.2f}; drop the {outputs.activation}"
        ),
        (Evidence("least_loss", floor, "nats", 0.0),),
        0.97,
        ("output_activation", "loss"),
    )


def _of_targets(loss: LossFacts, outputs: OutputFacts, targets: TargetFacts) -> _Fault | None:
    if loss.broadcasts:
        return (
            (
                f"{loss.name} compares every output with every target, since their shapes differ and are broadcast:"
                " give both the same shape"
            ),
            (Evidence("target_columns", float(targets.columns), "columns", float(outputs.columns)),),
            0.9 if loss.takes == "numbers" else _BROADCAST_RIGHTLY,
            ("loss", "data"),
        )
    if loss.name == "CrossEntropyLoss" and targets.form == "multi_hot" and targets.columns > 1:
        return (
            (
                f"Cross entropy takes one class a row, and the targets' rows hold {targets.mean * targets.columns:.2g}"
                " labels on average: labels that are independent need BCEWithLogitsLoss"
            ),
            (Evidence("targets_per_row", targets.mean * targets.columns, "labels", 1.0),),
            0.9,
            ("loss", "output_activation"),
        )
    is_class = targets.form in ("one_hot", "indices") or (targets.form == "multi_hot" and targets.columns == 1)
    few = targets.whole and 2 < targets.distinct <= 20 and targets.low >= 0 and targets.columns == 1
    if loss.takes == "numbers" and targets.distinct > 1 and (is_class or few):
        return (
            (
                f"The targets are classes ({targets.distinct} different ones), and {loss.name} treats them as numbers:"
                " cross entropy fits classes"
            ),
            (Evidence("distinct_targets", float(targets.distinct), "targets"),),
            0.5 if is_class and targets.form != "indices" else 0.6,  # zeros and ones can be fitted (the Brier score)
            ("loss", "output_activation"),
        )
    return None


def _in_words(outputs: OutputFacts) -> str:
    return "probabilities" if outputs.form == "probabilities" else "plain numbers"
