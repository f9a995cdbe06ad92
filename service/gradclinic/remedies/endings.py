"""The output activation of a network, and whether it fits the loss."""

from math import isfinite

from ..experiments.activations import Activation
from ..experiments.experiment import Experiment
from ..experiments.layers import AnyLayer
from ..experiments.layers.activation import ActivationLayer
from ..experiments.losses import Loss
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
    if loss.takes == "log_probabilities":
        fits, wanted = ending is not None and ending.name == "log_softmax", "log-probabilities (log_softmax)"
    elif loss.takes == "probabilities":
        fits, wanted = ending is not None and ending.range[0] >= 0 and ending.range[1] <= 1, "numbers between 0 and 1"
    elif loss.takes == "logits":
        fits = ending is None or ending.name == "identity" or not any(isfinite(bound) for bound in ending.range)
        wanted = "logits (unbounded numbers)"
    else:
        return None
    return None if fits else f"{loss.kind} expects {wanted}, but gets {name}"


def _without_ending(layers: tuple[AnyLayer, ...]) -> tuple[AnyLayer, ...]:
    while len(layers) > 1 and isinstance(layers[-1], ActivationLayer):
        layers = layers[:-1]
    return layers
