from typing import ClassVar, Literal

from ..experiments.experiment import Experiment
from ..experiments.initializations import AnyInitialization
from ..experiments.initializations.xavier_uniform import XavierUniform
from ..experiments.layers import AnyLayer
from ..experiments.layers.weighted import Weighted
from ..experiments.presets.layers import LayerList
from .base import Remedy, refuse, rewrite_layers, with_model


class SetInitialization(Remedy):
    """Use another initialization scheme for all layers with weights, by default Xavier's."""

    kind: Literal["set_initialization"] = "set_initialization"
    initialization: AnyInitialization = XavierUniform()
    """The new initialization with all its fields; it also replaces the initialization of single layers."""
    rank: ClassVar[int | None] = 5
    source: ClassVar[str] = "Glorot and Bengio 2010, AISTATS"

    @property
    def advice(self) -> str:
        return f"draw the initial weights with {self.initialization.scheme}"

    def apply(self, experiment: Experiment) -> Experiment:
        model = experiment.model.model_copy(update={"initialization": self.initialization})
        if isinstance(model, LayerList):
            model = model.model_copy(update={"layers": rewrite_layers(model.layers, _without_its_own)})
        if model == experiment.model:
            raise refuse(f"the initialization is already {self.initialization.scheme} with these values")
        return with_model(experiment, model)


def _without_its_own(layer: AnyLayer) -> AnyLayer:
    if isinstance(layer, Weighted) and layer.initialization is not None:
        return layer.model_copy(update={"initialization": None})
    return layer
