from typing import ClassVar, Literal, get_args

from ..experiments.activations import AnyActivation
from ..experiments.activations.relu import ReLU
from ..experiments.experiment import Experiment
from ..experiments.layers import AnyLayer
from ..experiments.layers.activation import ActivationLayer
from ..experiments.layers.recurrent import Nonlinearity, Recurrent
from ..experiments.layers.weighted import Weighted
from ..measurements.record import RunRecord
from .base import Remedy, as_layer_list, refuse, rewrite_layers, walk, with_knob, with_layers


class SwapActivation(Remedy):
    """Replace the hidden activations, by default with ReLU, whose slope is 1 where active, so it does not saturate."""

    kind: Literal["swap_activation"] = "swap_activation"
    activation: AnyActivation = ReLU()
    """The new activation: a name, or an object with parameters."""
    rank: ClassVar[int | None] = 1
    source: ClassVar[str] = "Glorot, Bordes and Bengio 2011, AISTATS"

    @property
    def advice(self) -> str:
        return f"use {self.activation.name} as the activation"

    def in_place(self, record: RunRecord) -> bool:
        found = {site.activation for site in record.sites if site.activation is not None}
        return found == {self.activation.name}

    def apply(self, experiment: Experiment) -> Experiment:
        layers = as_layer_list(experiment).layers
        rewritten = self._swapped(layers)
        if rewritten == layers:
            raise refuse(self._why_not(layers))
        for value in (self.activation, self.activation.name):
            knob = with_knob(experiment, "activation", value)
            if knob is not None:
                return knob
        return with_layers(experiment, rewritten)

    def _swapped(self, layers: tuple[AnyLayer, ...]) -> tuple[AnyLayer, ...]:
        """The list with every hidden activation replaced; layers after the readout are unchanged."""
        weighted = [index for index, layer in enumerate(layers) if any(isinstance(x, Weighted) for x in walk([layer]))]
        hidden = weighted[-1] + 1 if weighted else 0
        return rewrite_layers(layers[:hidden], self._swap) + layers[hidden:]

    def _swap(self, layer: AnyLayer) -> AnyLayer:
        if isinstance(layer, ActivationLayer):
            return ActivationLayer(activation=self.activation)
        if isinstance(layer, Recurrent) and layer.cell == "rnn" and self.activation.name in get_args(Nonlinearity):
            return layer.model_copy(update={"nonlinearity": self.activation.name})
        return layer

    def _why_not(self, layers: tuple[AnyLayer, ...]) -> str:
        name = self.activation.name
        recurrent = [layer for layer in walk(layers) if isinstance(layer, Recurrent)]
        if any(layer.cell != "rnn" for layer in recurrent):
            return "the activations of a gated cell are fixed"
        if recurrent and name not in get_args(Nonlinearity):
            return f"a plain recurrent cell supports {', '.join(get_args(Nonlinearity))}, not {name}"
        return f"the model has no hidden activation other than {name}"
