from math import isclose
from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.preflight import LossFacts, OrderFacts, TargetFacts
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed
from ..phrase import percent
from ..thresholds import Thresholds
from .base import Order, Rule

_ENOUGH_ROWS = 100
"""With so many rows of one class, a second class that has 5 % of the data is missing by chance in .6 % of cases."""

_COPIED_RIGHTLY = 0.86
"""How often it is right, by the rule of succession: in 5 of 5 networks that were given their inputs as targets, of the
benchmark and made for this; not found in 6 that fill in masked words, tag them, copy through a code or look ahead."""
_OF_AMOUNTS = ("PoissonNLLLoss", "GaussianNLLLoss")
"""Losses of torch's whose floor is not known, and whose targets are amounts."""
_OF_SIGNS = ("SoftMarginLoss", "HingeEmbeddingLoss")
"""Losses whose targets are signs."""
_LABELS: tuple[Blame, ...] = ("labels", "data")
_NUMBERS: tuple[Blame, ...] = ("loss", "target_scaling", "labels")
"""Targets that are fractions, and not classes, are sound by themselves: the loss is that of another task."""


_Fault = tuple[str, tuple[Evidence, ...], tuple[Blame, ...]]


class BrokenLabels(Rule):
    """The targets are unusable: one class only, values outside the range of the loss, NaN, or the inputs themselves."""

    condition: Literal["broken_labels"] = "broken_labels"
    source: ClassVar[str] = "definition; .95^128 = .001"
    uses: ClassVar[tuple[str, ...]] = ()
    may_stop: ClassVar[bool] = True

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
        if seen is None or seen.targets is None:
            return None
        copied = _of_own_inputs(seen.order)
        found = copied or _fault(seen.targets, seen.loss)
        if found is None:
            return None
        summary, evidence, blames = found
        return self.finding(
            features,
            harm=True,
            confidence=0.98 if copied is None else _COPIED_RIGHTLY,
            evidence=evidence,
            summary=summary,
            blames=(*blames, "loss") if blames == _LABELS and failed(features, thresholds) else blames,
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.DATA_OR_WIRING


def _between_0_and_1(loss: LossFacts, targets: TargetFacts) -> bool:
    """Whether the loss takes targets that are probabilities, or zeros and ones; SoftMarginLoss takes -1 and 1."""
    of_probabilities = loss.takes in ("probabilities", "logits") and loss.name != "SoftMarginLoss"
    return of_probabilities and targets.form != "indices"


def _of_own_inputs(order: OrderFacts | None) -> _Fault | None:
    if order is None or not order.repeats_input:
        return None
    return (
        (
            f"The target of each of the {order.steps} steps is that step's own input, which the network only has to"
            " copy: to predict the next step, shift the targets by one"
        ),
        (Evidence("steps_of_a_sample", float(order.steps), "steps"),),
        _LABELS,
    )


def _should_differ(targets: TargetFacts, loss: LossFacts | None) -> bool:
    """Whether equal targets leave nothing to learn, and are not only the first of data that are sorted by class.

    A loss of the program's own may not use its targets, as that of triplets; and the residual of an equation is
    compared with 0.
    """
    own = loss is not None and loss.takes == "unknown" and loss.name not in _OF_AMOUNTS
    return not (targets.in_order or own or (loss is not None and loss.residual))


_PIXEL = 255.0
"""The largest value of an image of 8 bits."""


def _are_pixels(targets: TargetFacts) -> bool:
    """Whether all targets are 0 or 255: of numbers between 0 and H with mean m, those have a variance of m (H - m)."""
    ends = targets.low == 0 and targets.high == _PIXEL and targets.whole
    return ends and isclose(targets.std**2, targets.mean * (_PIXEL - targets.mean), rel_tol=1e-4)


def _fault(targets: TargetFacts, loss: LossFacts | None) -> _Fault | None:
    if targets.nonfinite_rows:
        fraction = targets.nonfinite_rows / targets.rows
        return (
            f"{percent(fraction)} of the targets are NaN or infinite, so that the loss is, too: remove or repair them.",
            (Evidence("nonfinite_targets", fraction, "fraction", 0.0),),
            _LABELS,
        )
    if targets.distinct == 1 and targets.rows >= _ENOUGH_ROWS and _should_differ(targets, loss):
        what = "class" if targets.form in ("indices", "one_hot", "multi_hot") else "value"
        value = f" ({targets.mean:.4g})" if targets.columns == 1 else ""
        return (
            (
                f"All {targets.rows:,} targets seen are the same {what}{value}: the labels were lost before training,"
                " and there is nothing to learn; check how they are read."
            ),
            (Evidence("distinct_targets", 1.0, "targets", 2.0),),
            _LABELS,
        )
    return _of_range(targets, loss) if loss is not None else None


def _of_range(targets: TargetFacts, loss: LossFacts) -> _Fault | None:
    """Targets that are none of those that the loss takes."""
    if _are_pixels(targets) and loss.takes != "numbers":
        return (
            (
                f"The targets are 0 and {targets.high:g}, the values of a picture, where {loss.name} takes 0 and 1:"
                f" divide them by {targets.high:g}"
            ),
            (Evidence("largest_target", targets.high, "target", 1.0),),
            ("labels", "target_scaling"),
        )
    return _of_named(targets, loss) or _of_unit_interval(targets, loss)


def _of_named(targets: TargetFacts, loss: LossFacts) -> _Fault | None:
    """Targets that one loss in particular does not take."""
    if loss.name == "PoissonNLLLoss" and targets.low < 0:
        return (
            (
                f"The targets go down to {targets.low:.3g}, where {loss.name} takes counts, and falls without end for"
                " what is below 0: give it the counts as they are"
            ),
            (Evidence("smallest_target", targets.low, "target", 0.0),),
            ("target_scaling", "loss", "labels"),
        )
    if loss.name == "KLDivLoss" and targets.low < 0 < targets.high:
        return (
            (
                f"The targets go from {targets.low:.3g} to {targets.high:.3g}, where {loss.name} takes probabilities,"
                " or their logarithms with log_target=True: put a softmax or log_softmax over them"
            ),
            (Evidence("smallest_target", targets.low, "target", 0.0),),
            ("labels", "loss", "target_scaling"),
        )
    if any(call.blank_in_targets for call in loss.inner):
        return (
            (
                "The targets hold the number of ctc_loss's blank, which stands for no symbol, so that symbol is never"
                " found: number the symbols from 1, or set another blank"
            ),
            (),
            ("labels", "loss"),
        )
    if loss.name in _OF_SIGNS and targets.whole and targets.low == 0 and targets.high == 1:
        return (
            (
                f"The targets are 0 and 1, and {loss.name} takes -1 and 1: a target of 0 leaves its sample out, so use"
                " 2 * targets - 1"
            ),
            (Evidence("smallest_target", targets.low, "target", -1.0),),
            ("labels", "loss"),
        )
    return None


def _of_unit_interval(targets: TargetFacts, loss: LossFacts) -> _Fault | None:
    """Targets that are to lie between 0 and 1, and do not."""
    outside = targets.outside_unit
    if _between_0_and_1(loss, targets) and targets.columns == 1 and targets.distinct == 2 and not targets.whole:
        return (
            (
                f"The targets take two values, {targets.low:.3g} and {targets.high:.3g}, where {loss.name} takes 0 and"
                " 1: they are labels that were scaled like an input, so leave them as they were"
            ),
            (Evidence("targets_outside", outside, "fraction", 0.0),),
            ("labels", "target_scaling", "data"),
        )
    if _between_0_and_1(loss, targets) and outside > 0:
        more = f"give the {targets.distinct} classes as many outputs and use cross entropy"
        classes = "number the two classes 0 and 1" if targets.distinct == 2 else more
        numbers = "they are numbers, so take a loss of numbers (MSELoss), or scale them to 0 to 1"
        return (
            (
                f"{percent(outside)} of the targets lie outside 0 to 1 ({targets.low:.3g} to {targets.high:.3g}), where"
                f" {loss.name} has no lower bound: {classes if targets.whole else numbers}."
            ),
            (Evidence("targets_outside", outside, "fraction", 0.0),),
            _LABELS if targets.whole else _NUMBERS,
        )
    return None
