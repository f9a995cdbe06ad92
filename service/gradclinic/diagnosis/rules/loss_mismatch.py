from collections.abc import Sequence
from math import inf, log, sqrt
from typing import ClassVar, Literal

from ...measurements.preflight import (
    BOUNDS,
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
from ..own_loss import LossFault, falls_anyway, of_broadcast_shapes, own_loss_fault
from ..phrase import outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule


class LossMismatch(Rule):
    """The loss does not fit the outputs or targets that it receives."""

    condition: Literal["loss_mismatch"] = "loss_mismatch"
    source: ClassVar[str] = "definition of each loss in torch.nn; Goodfellow et al. 2016, Deep Learning, 6.2.2"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
        found = (_fault(seen) or own_loss_fault(seen, record)) if seen is not None else None
        if found is None:
            return None
        summary, evidence, confidence, blames = found
        error, rare_error = _error_of_class_numbers(features, record), _error_of_rare_numbers(features, record)
        rounds_wrong = (error is not None and error > _OFF) or (rare_error is not None and rare_error > _RARE_OFF)
        if error is not None and rounds_wrong:
            summary += f" (off by {error:.2g} on average, more than 1 output in 10 rounds to another class)"
        if rare_error is not None and rounds_wrong:
            summary += f" (off by up to {rare_error:.2g} for those of the rare classes, which round to others then)"
            blames = (*blames, "data", "labels")
        hides_a_class = any(
            each.name in ("rare_weight", "weight_of_rarest", "ignored_targets") for each in evidence
        )  # the loss falls without that class
        shows_nothing = hides_a_class or (seen is not None and _falls_anyway(seen))
        return self.finding(
            features,
            harm=not_known_to_have_learned(features, thresholds) or rounds_wrong or shows_nothing,
            confidence=confidence,
            evidence=evidence,
            summary=f"{summary}; {outcome_in_words(features, thresholds, shows_nothing=shows_nothing)}.",
            blames=blames,
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.LOSS_OR_OUTPUT

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        if "output_activation" not in finding.blames:  # shapes, axes, a sign or weights: no remedy changes these
            return ()
        if finding.blames[0] == "output_activation":
            return (PLAIN_OUTPUTS, USUAL_LOSS)
        takes_logarithms = any(each.name == "largest_output" for each in finding.evidence)
        return (LOG_PROBABILITIES, USUAL_LOSS) if takes_logarithms else (USUAL_LOSS, PLAIN_OUTPUTS)


def _falls_anyway(seen: Preflight) -> bool:
    """Whether a small loss shows nothing: it compares what does not belong together, or has no lower bound."""
    loss, outputs = seen.loss, seen.outputs
    if loss is None:
        return False
    return falls_anyway(loss) or loss.broadcasts or (outputs is not None and has_no_floor(loss, outputs))


def _fault(seen: Preflight) -> LossFault | None:
    loss, outputs, targets = seen.loss, seen.outputs, seen.targets
    if loss is None or outputs is None:
        return None
    return (
        _of_sign(loss)
        or _of_axes(loss)
        or _of_ignored(loss)
        or _of_outputs(loss, outputs)
        or _of_bounded_logits(loss, outputs, targets)
        or (_of_targets(loss, outputs, targets) if targets is not None else None)
        or _of_weights(loss)
        or _of_directions(loss)
    )


def _of_sign(loss: LossFacts) -> LossFault | None:
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


def _of_axes(loss: LossFacts) -> LossFault | None:
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


_IGNORED_RIGHTLY = 0.67
"""By the rule of succession: in 1 of 1 training; not found in the correct programs of the benchmark."""


def _of_ignored(loss: LossFacts) -> LossFault | None:
    """A class that the network has an output for, and that the loss leaves out, so that it is never learned."""
    if loss.ignored is None:
        return None
    return (
        (
            f"{loss.name} leaves out a class that {percent(loss.ignored)} of the targets have (`ignore_index`, or a"
            " weight of 0), so the network never learns it: ignore a number that is no class, such as -100"
        ),
        (Evidence("ignored_targets", loss.ignored, "fraction", 0.0),),
        _IGNORED_RIGHTLY,
        ("loss", "labels", "data"),
    )


_SPREAD = 0.1
"""Deviation of the targets' sizes over their mean from which they differ. A judgement."""
_DIRECTIONS_RIGHTLY = 0.5
"""A possibility: directions may be all that is wanted, as of embeddings, and then nothing is wrong."""


def sizes_are_left_open(loss: LossFacts) -> bool:
    """Whether outputs of any size have the same loss, while the sizes of the targets differ."""
    return loss.spread_of_sizes is not None and loss.spread_of_sizes >= _SPREAD


def _of_directions(loss: LossFacts) -> LossFault | None:
    if loss.spread_of_sizes is None or not sizes_are_left_open(loss):
        return None
    return (
        (
            f"{loss.name} is the same for outputs of any size, and the sizes of the targets differ by"
            f" {percent(loss.spread_of_sizes)}, so only their directions are learned: if their sizes count, add a"
            " squared error"
        ),
        (Evidence("spread_of_sizes", loss.spread_of_sizes, "ratio", _SPREAD),),
        _DIRECTIONS_RIGHTLY,
        ("loss",),
    )


_RARE = 0.5
"""Up to this many targets for each one of the most common class, a class is rare, and no longer one by chance."""


_DOMINATES = 50.0
"""How many times as much as another one class counts, from which it decides alone: a sample is then best called of
this class from a probability of 2 % on. Weights that make up for rarity give 1."""


_DOMINATED_RIGHTLY = 0.67
"""How often it does harm, by the rule of succession: in 5 of 7 trainings in which one class counted 80 to 1000 times.
The loss falls in most of them."""


def _of_weights(loss: LossFacts) -> LossFault | None:
    weight, fraction = loss.rare_weight, loss.rare_fraction
    if weight is None or fraction is None:
        return None
    return _upside_down(loss, weight, fraction) or _out_of_proportion(weight, fraction)


def _upside_down(loss: LossFacts, weight: float, fraction: float) -> LossFault | None:
    """Class weights that make the rare class weigh less, where they are meant to make up for its rarity."""
    if fraction > _RARE or weight > _RARE:
        return None
    how = (
        "make pos_weight the number of zeros over that of ones"
        if loss.name == "BCEWithLogitsLoss"
        else "give the rarest class the largest weight"
    )
    return (
        (
            f"The class weights are upside down: the rarest class has {fraction:.2g} times the targets of the most"
            f" common one, and {weight:.2g} times its weight, so it hardly counts: {how}"
        ),
        (Evidence("rare_weight", weight, "ratio", 1.0), Evidence("rare_fraction", fraction, "ratio")),
        0.85,
        ("loss", "data", "labels"),
    )


def _out_of_proportion(weight: float, fraction: float) -> LossFault | None:
    """Class weights with which one class counts far more than another, although neither is rare enough for that."""
    counts = weight * fraction
    if counts < _DOMINATES and not (weight <= _RARE and counts <= 1.0 / _DOMINATES):
        return None
    which, times = ("rarest", counts) if counts > 1 else ("most common", 1.0 / counts)
    return (
        (
            f"The class weights make the {which} class count {times:.3g} times as much as the other, so that one answer"
            " for all is nearly right: weigh each class by one over its number of targets, or not at all"
        ),
        (Evidence("weight_of_rarest", weight, "ratio", 1.0 / fraction), Evidence("rare_fraction", fraction, "ratio")),
        _DOMINATED_RIGHTLY,
        ("loss", "data"),
    )


def _are_class_numbers(targets: TargetFacts) -> bool:
    """Whether the targets are the numbers from 0 on, each about as often: ratings or counts rarely are."""
    return _are_consecutive(targets) and _evenly_spread(targets)


def _are_consecutive(targets: TargetFacts) -> bool:
    """Whether the targets are the whole numbers from 0 on, 3 to 20 of them."""
    consecutive = targets.whole and targets.low == 0 and targets.high == targets.distinct - 1
    return targets.columns == 1 and consecutive and 2 < targets.distinct <= 20


def _evenly_spread(targets: TargetFacts) -> bool:
    return targets.most_common <= 1.5 / targets.distinct


_OFF = 0.3
"""Root mean square error of class numbers from which 1 output in 10 rounds to another class: if errors are normal,
|error| > 0.5 has probability 0.096."""


_RARE_OFF = 0.5
"""Root mean square error of the rare classes' numbers from which a typical one of them rounds to another class."""
_NEARLY_ALL = 0.9
"""Fraction of the targets from which one class is nearly all of them."""


def _error_of_class_numbers(features: Features, record: RunRecord) -> float | None:
    """The root mean square error, where class numbers are fitted by their squared error; None otherwise."""
    seen, error = record.preflight, _error_of_numbers(features, record)
    known = seen is not None and seen.targets is not None and _are_class_numbers(seen.targets)
    return error if known else None


def _error_of_rare_numbers(features: Features, record: RunRecord) -> float | None:
    """The most that it can be for all but the most common class, where that is nearly all of a few consecutive ones."""
    seen, error = record.preflight, _error_of_numbers(features, record)
    targets = seen.targets if seen is not None else None
    if error is None or targets is None or not _are_consecutive(targets):
        return None
    return error / sqrt(1.0 - targets.most_common) if _NEARLY_ALL <= targets.most_common < 1.0 else None


def _error_of_numbers(features: Features, record: RunRecord) -> float | None:
    """The root mean square error; None for another loss."""
    seen, loss = record.preflight, features.relative_train_loss
    if seen is None or seen.targets is None or seen.loss is None or loss is None or not loss > 0:
        return None
    return sqrt(loss) * seen.targets.std if seen.loss.name == "MSELoss" else None


def has_no_floor(loss: LossFacts, outputs: OutputFacts) -> bool:
    """Whether the loss falls without end as the outputs grow, since they should be log-probabilities and are not.

    The logarithm of a probability is 0 at most, whatever the axis is along which probabilities sum to 1.
    """
    if loss.name == "KLDivLoss":
        return outputs.high > _ABOVE_0
    return loss.name == "NLLLoss" and outputs.form != "log_probabilities"


_ABOVE_0 = 1e-3
"""Largest logarithm of a probability, with what rounding adds."""


def _of_outputs(loss: LossFacts, outputs: OutputFacts) -> LossFault | None:
    if loss.name == "CrossEntropyLoss" and outputs.columns == 1:
        return (
            ("Cross entropy over a single output is 0 whatever the weights are: use BCEWithLogitsLoss for a yes or no"),
            (Evidence("output_units", 1.0, "units", 2.0),),
            0.99,
            ("loss", "output_activation"),
        )
    if has_no_floor(loss, outputs):
        return (
            (
                f"{loss.name} takes log-probabilities, and gets {_in_words(outputs)}, so it has no lower bound: put a"
                " log_softmax before it, or use CrossEntropyLoss"
            ),
            (Evidence("largest_output", outputs.high, "output", 0.0),),
            0.97,
            ("loss", "output_activation"),
        )
    return None


def _of_bounded_logits(loss: LossFacts, outputs: OutputFacts, targets: TargetFacts | None) -> LossFault | None:
    low, high = BOUNDS.get(outputs.activation or "", (-inf, inf))
    if loss.takes != "logits" or not (low >= 0 or high - low < inf):
        return None
    if high == inf:
        return (
            (
                f"{loss.name} takes logits of both signs, and the {outputs.activation} at the output gives none below"
                f" 0, so no class can be ruled out: drop the {outputs.activation}"
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
            f"{loss.name} takes logits, and gets the outputs of a {outputs.activation}, so it cannot fall below"
            f" {floor:.2f} nats, where guessing costs {chance:.2f}: drop the {outputs.activation}"
        ),
        (Evidence("least_loss", floor, "nats", 0.0),),
        0.97,
        ("output_activation", "loss"),
    )


def _of_targets(loss: LossFacts, outputs: OutputFacts, targets: TargetFacts) -> LossFault | None:
    if loss.broadcasts:
        return _of_shapes(loss, outputs, targets)
    if loss.name == "CrossEntropyLoss" and targets.form == "multi_hot" and targets.columns > 1:
        return (
            (
                f"Cross entropy takes one class a row, and the targets' rows hold {targets.mean * targets.columns:.2g}"
                " labels on average: use BCEWithLogitsLoss, which takes each label by itself"
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
                " use cross entropy, which is made for classes"
            ),
            (Evidence("distinct_targets", float(targets.distinct), "targets"),),
            0.5 if is_class and targets.form != "indices" else 0.6,  # zeros and ones can be fitted (the Brier score)
            ("loss", "output_activation"),
        )
    return None


def _of_shapes(loss: LossFacts, outputs: OutputFacts, targets: TargetFacts) -> LossFault:
    evidence = (Evidence("target_columns", float(targets.columns), "columns", float(outputs.columns)),)
    confidence = 0.9 if loss.takes == "numbers" else _BROADCAST_RIGHTLY
    if outputs.columns == 1 < targets.columns:
        return (
            (
                f"The network has one output for {targets.columns} columns of targets, and {loss.name} compares it with"
                f" each of them: give the last layer {targets.columns} units"
            ),
            evidence,
            confidence,
            ("architecture", "wiring", "loss"),
        )
    return of_broadcast_shapes(loss.name), evidence, confidence, ("wiring", "loss", "data")


def _in_words(outputs: OutputFacts) -> str:
    return "probabilities" if outputs.form == "probabilities" else "plain numbers"
