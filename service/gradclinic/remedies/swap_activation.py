from collections.abc import Sequence
from typing import ClassVar, Literal

from ..activations import AnyActivation
from ..activations.relu import ReLU
from ..experiment import Experiment
from ..layers import AnyLayer
from ..layers.activation import ActivationLayer
from ..presets.layers import LayerList
from .base import Remedy, as_layer_list, refuse, rewrite_sequences, with_knobs, with_model


class SwapActivation(Remedy):
    """Replace the hidden activations, by default with ReLU: slope 1 where active, so nothing saturates."""

    kind: Literal["swap_activation"] = "swap_activation"
    activation: AnyActivation = ReLU()
    """The new activation: a name, or an object with its parameters."""
    rank: ClassVar[int | None] = 1
    source: ClassVar[str] = "Glorot, Bordes and Bengio 2011, AISTATS"

    def apply(self, experiment: Experiment) -> Experiment:
        model = experiment.model
        if "activation" in type(model).model_fields and not isinstance(model, LayerList):
            if getattr(model, "activation") == self.activation:  # noqa: B009  # a knob that only some presets have
                raise refuse(f"every hidden activation is {self.activation.name} already")
            return with_knobs(experiment, activation=self.activation)
        layers = as_layer_list(experiment)
        rewritten = rewrite_sequences(layers.layers, self._swap)
        if rewritten == layers.layers:
            raise refuse(f"the model has no activation other than {self.activation.name}")
        return with_model(experiment, layers.model_copy(update={"layers": rewritten}))

    def _swap(self, layers: Sequence[AnyLayer]) -> Sequence[AnyLayer]:
        new = ActivationLayer(activation=self.activation)
        return [new if isinstance(layer, ActivationLayer) else layer for layer in layers]
