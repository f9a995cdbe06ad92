from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..experiments.experiment import Experiment
from ..experiments.layers import AnyLayer
from ..experiments.layers.dropout import Dropout
from .base import Remedy, as_layer_list, refuse, rewrite_layers, with_layers


class LowerDropout(Remedy):
    """Multiply the dropped fraction of every dropout layer by `factor`: units dropped too often cannot learn."""

    kind: Literal["lower_dropout"] = "lower_dropout"
    factor: Annotated[float, Field(ge=0, lt=1)] = 0.25
    """Factor that multiplies the dropped fraction; 0 drops nothing."""
    source: ClassVar[str] = "Srivastava et al. 2014, JMLR 15, section 7.3"

    def apply(self, experiment: Experiment) -> Experiment:
        layers = as_layer_list(experiment).layers
        rewritten = rewrite_layers(layers, self._lowered)
        if rewritten == layers:
            raise refuse("there is no dropout")
        return with_layers(experiment, rewritten)

    def _lowered(self, layer: AnyLayer) -> AnyLayer:
        return layer.model_copy(update={"p": layer.p * self.factor}) if isinstance(layer, Dropout) else layer
