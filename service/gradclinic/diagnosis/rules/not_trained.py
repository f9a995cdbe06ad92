from typing import ClassVar, Literal

import numpy as np

from ...kernel.vocabulary import Blame
from ...measurements.preflight import WiringFacts
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..initial_weights import frozen_as_drawn
from ..outcome import WELL, failed
from ..phrase import listed, outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule
from .unscaled_inputs import are_unscaled

_Fault = tuple[str, tuple[Evidence, ...], tuple[str, ...], bool, float]
_ASIDE = 0.5
"""Where the loss does not use a part, such as the pooler of a BERT whose tokens are averaged, that is usually meant, so
it is no more than a possibility. A judgement."""
_CUT_RIGHTLY = 0.88
"""How often it is right that a loss is cut off from all parameters, by the rule of succession: in 6 of 6 trainings."""
_FROZEN_RIGHTLY = 0.83
"""How often it is right, by the rule of succession: in 4 of 4 trainings, with tables and layers of zeros or ones. Of
positions that are all zeros `missing_positions` says so."""


class NotTrained(Rule):
    """The program does not train what it should: optimizer, gradients and model are connected incorrectly."""

    condition: Literal["not_trained"] = "not_trained"
    source: ClassVar[str] = "definition: what the backward reaches against what the optimizer holds"
    uses: ClassVar[tuple[str, ...]] = ()
    may_stop: ClassVar[bool] = True

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
        if seen is None or seen.wiring is None:
            return None
        if seen.wiring.frozen_alike and not _learned_well(features) and not (seen.order and seen.order.blind):
            return self._of_frozen(features, thresholds, seen.wiring.frozen_alike)
        found = _fault(seen.wiring, learned_well=_learned_well(features))
        if found is None and failed(features, thresholds):
            of_layers = self._of_frozen_layers(features, thresholds, record)
            if of_layers is not None:
                return of_layers
        unmoved = _without_inputs(features, record)
        if found is None and unmoved:
            return self._of_zeros(features, thresholds, unmoved)
        if found is None:
            return None
        summary, evidence, layers, always, confidence = found
        return self.finding(
            features,
            harm=always or failed(features, thresholds),
            confidence=confidence,
            layers=layers,
            evidence=evidence,
            summary=f"{summary}; {outcome_in_words(features, thresholds)}.",
            blames=("wiring",),
        )

    def _of_frozen_layers(self, features: Features, thresholds: Thresholds, record: RunRecord) -> Finding | None:
        """Of a network that did not learn: a frozen last layer, or frozen layers that nothing trained before."""
        if _has_frozen_readout(record):
            return self._of_readout(features, thresholds, record)
        drawn = frozen_as_drawn(record)
        return self._of_drawn(features, thresholds, drawn) if drawn else None

    def _of_frozen(self, features: Features, thresholds: Thresholds, frozen: tuple[str, ...]) -> Finding:
        return self.finding(
            features,
            harm=True,
            confidence=_FROZEN_RIGHTLY,
            layers=frozen,
            evidence=(Evidence("frozen_weights_of_one_value", float(len(frozen)), "weights", 0.0),),
            summary=(
                f"{listed(frozen)} {'is' if len(frozen) == 1 else 'are'} frozen, and all entries are equal: load the"
                f" trained weights, or train them; {outcome_in_words(features, thresholds)}."
            ),
            blames=("initialization", "wiring"),
        )

    def _of_readout(self, features: Features, thresholds: Thresholds, record: RunRecord) -> Finding:
        readout = next(weight.name for weight in record.weights if weight.readout)
        return self.finding(
            features,
            harm=True,
            confidence=_READOUT_RIGHTLY,
            layers=(readout,),
            evidence=(),
            summary=(
                f"The weight of the last layer, {readout}, is frozen, so the network cannot learn what its features"
                f" stand for: train the last layer at least; {outcome_in_words(features, thresholds)}."
            ),
            blames=("wiring", "initialization"),
        )

    def _of_drawn(self, features: Features, thresholds: Thresholds, drawn: tuple[str, ...]) -> Finding:
        return self.finding(
            features,
            harm=True,
            confidence=_DRAWN_RIGHTLY,
            layers=drawn,
            evidence=(Evidence("frozen_weights_as_drawn", float(len(drawn)), "weights", 0.0),),
            summary=(
                f"{listed(drawn)} are frozen, and have the size of weights that were just drawn: load trained weights"
                f" before they are frozen, or train them; {outcome_in_words(features, thresholds)}."
            ),
            blames=("wiring", "initialization"),
        )

    def _of_zeros(self, features: Features, thresholds: Thresholds, unmoved: tuple[str, ...]) -> Finding:
        return self.finding(
            features,
            harm=failed(features, thresholds),
            confidence=0.8,
            layers=unmoved,
            evidence=(Evidence("weights_without_gradient", float(len(unmoved)), "weights", 0.0),),
            summary=(
                f"The gradient at {listed(unmoved)} is exactly zero at every step, so zeros come in there: look for a"
                " table that was not filled, a mask or a part that is left out;"
                f" {outcome_in_words(features, thresholds)}."
            ),
            blames=_NOT_FILLED,
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.DATA_OR_WIRING


_DRAWN_RIGHTLY = 0.67
"""By the rule of succession: in 1 of 1 training; not found in 23 correct programs."""
_READOUT_RIGHTLY = 0.67
"""By the rule of succession: in 1 of 1 training; not found in 105 correct programs."""


def _has_frozen_readout(record: RunRecord) -> bool:
    """Whether the weights of all layers are frozen, that of the last one among them; biases or norms may be trained.

    Where other weights are trained, such as low-rank adapters (LoRA), a frozen last layer is no fault: Hoffer et al.
    2018, arXiv:1801.04540, train networks with one that is never trained.
    """
    has_readout = any(weight.readout for weight in record.weights)
    return has_readout and not any(weight.trainable for weight in record.weights)


_NOT_FILLED: tuple[Blame, ...] = ("wiring", "data", "initialization")
_BLOCKED = 0.9
"""Dead or saturated fraction of a layer from which it is what makes the gradients before it zero."""


def _without_inputs(features: Features, record: RunRecord) -> tuple[str, ...]:
    """The weights whose gradient stays exactly zero, where no unit, output or number format can be the reason."""
    seen = record.preflight
    wiring = seen.wiring if seen is not None else None
    if seen is None or wiring is None or not wiring.unmoved or wiring.zero_gradient or wiring.alike:
        return ()
    if seen.inputs is not None and are_unscaled(seen.inputs):  # they may saturate gates, which nothing observes
        return ()
    narrow = seen.precision is not None and seen.precision.lowest == "float16"
    starts = (features.dead_start, features.saturated_start)
    blocked = any(bool((np.nan_to_num(each) >= _BLOCKED).any()) for each in starts)
    return () if narrow or blocked else wiring.unmoved


def _learned_well(features: Features) -> bool:
    loss = features.relative_train_loss
    return loss is None or loss <= WELL


def _fault(wiring: WiringFacts, *, learned_well: bool) -> _Fault | None:
    return _certain(wiring) or _possible(wiring, learned_well=learned_well)


def _certain(wiring: WiringFacts) -> _Fault | None:
    """What no program does on purpose, or, if it does, by leaving parameters out of the optimizer."""
    if wiring.uncleared:
        return (
            (
                "Gradients are not cleared between steps, so that each step adds all earlier ones: call zero_grad()"
                " before backward()"
            ),
            (Evidence("uncleared_steps", 1.0, "fraction", 0.0),),
            (),
            True,
            0.99,
        )
    if wiring.untrained:
        lost = f" (no module holds {wiring.unregistered} of them: use nn.ModuleList instead of a plain list)"
        return (
            (
                f"The optimizer holds {_but(wiring.untrained_fraction)} of the parameters that the loss depends on, so"
                f" give it all of them: {listed(wiring.untrained)} stay as they began"
                f"{lost if wiring.unregistered else ''}"
            ),
            (Evidence("untrained_fraction", wiring.untrained_fraction, "fraction", 0.0),),
            wiring.untrained,
            wiring.untrained_fraction > 0.999,
            0.97,
        )
    if wiring.unreached:
        return (
            (
                "No gradient reaches any of the parameters that the optimizer holds: the loss is computed from a tensor"
                " that is cut off from them, so look for a detach(), a .data, .item() or .numpy(), or torch.tensor()"
                " around outputs, and for an optimizer of another model"
            ),
            (Evidence("parameters_without_gradient", float(len(wiring.without_gradient)), "parameters", 0.0),),
            wiring.without_gradient,
            True,
            _CUT_RIGHTLY,
        )
    return None


def _possible(wiring: WiringFacts, *, learned_well: bool) -> _Fault | None:
    """What a program may do on purpose."""
    if wiring.cut_off:
        return (
            (
                f"{listed(wiring.cut_off)} run under no_grad(), so no gradient reaches them, although the optimizer"
                " holds them: run them with gradients, or leave them out of the optimizer if they are to stay frozen"
            ),
            (Evidence("parameters_without_gradient", float(len(wiring.cut_off)), "parameters", 0.0),),
            wiring.cut_off,
            not learned_well,
            0.8,
        )
    if wiring.without_gradient:
        return (
            (
                f"No gradient reaches {listed(wiring.without_gradient)}, which the optimizer holds: look for a"
                " detach(), a no_grad() or a part that the loss does not use"
            ),
            (Evidence("parameters_without_gradient", float(len(wiring.without_gradient)), "parameters", 0.0),),
            wiring.without_gradient,
            False,
            _ASIDE if set(wiring.without_gradient) <= set(wiring.aside) else 0.8,
        )
    if wiring.evaluating:
        return (
            f"The model trains in evaluation mode ({listed(wiring.evaluating)}): call model.train()",
            (Evidence("layers_in_evaluation_mode", float(len(wiring.evaluating)), "layers", 0.0),),
            wiring.evaluating,
            False,
            0.8,
        )
    return None


def _but(missing: float) -> str:
    """How much of a whole is there."""
    return "none" if missing >= 1.0 else f"only {percent(1.0 - missing)}"
