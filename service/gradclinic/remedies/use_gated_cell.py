from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..experiments.experiment import Experiment
from ..experiments.layers import AnyLayer
from ..experiments.layers.recurrent import Recurrent
from ..experiments.presets.rnn import RNN
from .base import Remedy, as_layer_list, refuse, rewrite_layers, walk, with_layers, with_model


class UseGatedCell(Remedy):
    """Replace plain recurrent cells with gated ones, whose state can persist over many steps."""

    kind: Literal["use_gated_cell"] = "use_gated_cell"
    cell: Literal["gru", "lstm"] = "gru"
    """The new cell."""
    forget_bias: Annotated[float, Field(ge=-100, le=100)] = 1.0
    """Initial bias of the LSTM forget gate; not used for a GRU."""
    source: ClassVar[str] = (
        "Hochreiter and Schmidhuber 1997, Neural Computation 9; Cho et al. 2014, arXiv:1406.1078; "
        "forget bias: Jozefowicz et al. 2015, ICML"
    )

    @property
    def advice(self) -> str:
        return f"use a gated cell ({self.cell})"

    def apply(self, experiment: Experiment) -> Experiment:
        model = experiment.model
        recurrent = [layer for layer in walk(as_layer_list(experiment).layers) if isinstance(layer, Recurrent)]
        if not recurrent:
            raise refuse("the model has no recurrent layer")
        if all(layer.cell != "rnn" for layer in recurrent):
            raise refuse("every recurrent layer already has a gated cell")
        if isinstance(model, RNN):
            return with_model(experiment, model.model_copy(update=self._fields()))
        return with_layers(experiment, rewrite_layers(as_layer_list(experiment).layers, self._gated))

    def _fields(self) -> dict[str, object]:
        return {"cell": self.cell} | ({"forget_bias": self.forget_bias} if self.cell == "lstm" else {})

    def _gated(self, layer: AnyLayer) -> AnyLayer:
        if isinstance(layer, Recurrent) and layer.cell == "rnn":
            return layer.model_copy(update=self._fields())
        return layer
