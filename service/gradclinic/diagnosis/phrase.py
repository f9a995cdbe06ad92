"""Numbers, layers and the outcome of a training in words, as the sentences of findings use them."""

from collections.abc import Sequence
from math import isnan

from ..measurements.record import RunRecord
from .features import Features
from .finding import Evidence
from .outcome import NOTHING_LEARNED, learned, narrow
from .thresholds import Thresholds


def loss_evidence(features: Features, thresholds: Thresholds) -> tuple[Evidence, ...]:
    """The final loss relative to always predicting the average, which decides about harm."""
    loss = features.relative_train_loss
    if loss is None:
        return ()
    return (Evidence("relative_train_loss", loss, "ratio", thresholds.learned),)


NOT_ENDED = "training has not finished"


NO_YARDSTICK = "the loss of always predicting the average is not known"


def outcome_in_words(features: Features, thresholds: Thresholds, *, shows_nothing: bool = False) -> str:
    """The clause of a summary that states the outcome of the training.

    Where a small loss `shows_nothing`, because it falls for another reason, nobody is told that the network learned.
    """
    loss = features.relative_train_loss
    if features.diverged:
        return f"training ended at step {features.nonfinite_step} with a loss or gradient that is not finite"
    if loss is None or isnan(loss):
        unknown = NO_YARDSTICK if features.finished else NOT_ENDED
        return f"{unknown}, so it is not known whether this hurts"
    if learned(features, thresholds):
        fell = f"training loss fell to {against_constant(loss)}"
        if shows_nothing:
            return f"that the {fell} does not show that the network learned what it should"
        return f"the network learned anyway (its {fell})"
    return f"the network {_failure(loss, features)} (its training loss is {against_constant(loss)})"


def _failure(loss: float, features: Features) -> str:
    """What a network did that did not learn, with this loss relative to that of the best constant prediction."""
    if loss > 1.1:
        initial = features.relative_initial_loss
        came_down = initial is not None and loss <= initial
        return (
            "is still worse than always predicting the average"
            if came_down
            else "ended worse than if it had learned nothing"
        )
    return "learned nothing" if loss > NOTHING_LEARNED else "learned too little"


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


def too_narrow(record: RunRecord) -> str:
    """A sentence about a hidden layer of very few units, that continues a summary; empty if there is none."""
    width = narrow(record)
    return "" if width is None else f". The narrowest hidden layer has {counted(width, 'unit')} only: take more"


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
