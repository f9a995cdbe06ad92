"""The output activation of a network, and whether it fits the loss."""

from collections.abc import Mapping
from math import isfinite

from ..experiments.activations import Activation
from ..experiments.experiment import Experiment
from ..experiments.layers import AnyLayer
from ..experiments.layers.activation import ActivationLayer
from ..experiments.losses import Loss, LossInput
from ..experiments.output_activations import OutputActivation
from ..experiments.presets.layers import LayerList

Ending = Activation | OutputActivation


def with_ending(experiment: Experiment, ending: Ending | None) -> Experiment:
    """A copy of the experiment whose outputs have this activation only, or none."""
    changed = experiment.model_copy(update={"output_activation": ending})
    model = experiment.model
    if not isinstance(model, LayerList):
        return changed
    return changed.model_copy(update={"model": model.model_copy(update={"layers": _without_ending(model.layers)})})


def misfit(loss: Loss, ending: Ending | None) -> str | None:
    """Why the loss does not fit outputs with this activation; None if it does."""
    name = "plain numbers" if ending is None else f"the outputs of {ending.name}"
    return None if fits(loss.takes, ending) else f"{loss.kind} expects {_WANTED[loss.takes]}, but gets {name}"


_WANTED: Mapping[LossInput, str] = {
    "log_probabilities": "log-probabilities (log_softmax)",
    "probabilities": "numbers between 0 and 1",
    "logits": "logits (unbounded numbers)",
}


def fits(takes: LossInput, ending: Ending | None) -> bool:
    """Whether a loss that takes this gets it from outputs with this activation."""
    if takes == "log_probabilities":
        return ending is not None and ending.name == "log_softmax"
    if takes == "probabilities":
        return ending is not None and ending.range[0] >= 0 and ending.range[1] <= 1
    unbounded = ending is None or ending.name == "identity" or not any(isfinite(bound) for bound in ending.range)
    return unbounded or takes != "logits"


def _without_ending(layers: tuple[AnyLayer, ...]) -> tuple[AnyLayer, ...]:
    while len(layers) > 1 and isinstance(layers[-1], ActivationLayer):
        layers = layers[:-1]
    return layers
