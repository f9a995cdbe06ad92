from math import sqrt
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..experiments.experiment import Experiment
from ..experiments.layers import AnyLayer
from ..experiments.layers.residual import Residual
from ..experiments.lowering import MAX_LAYERS
from ..experiments.presets import Skip
from .base import Remedy, as_layer_list, refuse, rewrite_layers, walk, with_knob, with_layers


class ScaleResidualBranches(Remedy):
    """Multiply every residual branch by a small factor, so variance and gradient stay constant over the blocks."""

    kind: Literal["scale_residual_branches"] = "scale_residual_branches"
    scale: Annotated[float, Field(gt=0, le=100)] | None = None
    """Factor of the branches; null is 1 / sqrt(number of branches)."""
    source: ClassVar[str] = "Zhang et al. 2019, arXiv:1901.09321; Hayou et al. 2021, arXiv:2010.12859"

    def apply(self, experiment: Experiment) -> Experiment:
        if experiment.model.count() > MAX_LAYERS:
            raise refuse(f"the model has more than {MAX_LAYERS} layers")
        layers = as_layer_list(experiment).layers
        unrolled = [layer for declared in layers for layer, _ in declared.expand("")]
        branches = sum(isinstance(layer, Residual) for layer in walk(unrolled))
        if not branches:
            raise refuse("the model has no residual branches")
        scale = self.scale if self.scale is not None else 1 / sqrt(branches)
        rewritten = rewrite_layers(layers, lambda layer: _scaled(layer, scale))
        if rewritten == layers:
            raise refuse(f"every residual branch is already scaled by {scale:g}")
        return with_knob(experiment, "skip", Skip(scale=scale)) or with_layers(experiment, rewritten)


def _scaled(layer: AnyLayer, scale: float) -> AnyLayer:
    return layer.model_copy(update={"scale": scale}) if isinstance(layer, Residual) else layer
