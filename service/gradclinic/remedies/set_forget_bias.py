from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..experiments.experiment import Experiment
from ..experiments.layers import AnyLayer
from ..experiments.layers.recurrent import Recurrent
from .base import Remedy, as_layer_list, refuse, rewrite_layers, walk, with_knob, with_layers


class SetForgetBias(Remedy):
    """Start the forget gate of each LSTM with a positive bias, so that its state lasts over more steps."""

    kind: Literal["set_forget_bias"] = "set_forget_bias"
    bias: Annotated[float, Field(ge=-100, le=100)] = 1.0
    """Initial bias of the forget gate."""
    source: ClassVar[str] = "Gers, Schmidhuber and Cummins 2000, Neural Computation 12; Jozefowicz et al. 2015, ICML"

    def apply(self, experiment: Experiment) -> Experiment:
        layers = as_layer_list(experiment).layers
        if not any(isinstance(layer, Recurrent) and layer.cell == "lstm" for layer in walk(layers)):
            raise refuse("the model has no LSTM; try use_gated_cell")
        rewritten = rewrite_layers(layers, self._biased)
        if rewritten == layers:
            raise refuse(f"the forget bias is already {self.bias:g}")
        return with_knob(experiment, "forget_bias", self.bias) or with_layers(experiment, rewritten)

    def _biased(self, layer: AnyLayer) -> AnyLayer:
        if isinstance(layer, Recurrent) and layer.cell == "lstm":
            return layer.model_copy(update={"forget_bias": self.bias})
        return layer
