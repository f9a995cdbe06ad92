from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..experiments.experiment import Experiment
from ..experiments.layers.layer_norm import LayerNorm
from .base import Remedy, as_layer_list, refuse, with_knob, with_layers
from .norms import insert_norms

_DEFAULT = LayerNorm()


class AddLayerNorm(Remedy):
    """Insert a layer norm after each hidden layer with weights, or around each sublayer of a transformer preset."""

    kind: Literal["add_layer_norm"] = "add_layer_norm"
    position: Literal["pre", "post"] = "pre"
    """Position in a transformer preset: before each sublayer (pre), or after its skip connection (post)."""
    eps: Annotated[float, Field(gt=0, le=1)] = _DEFAULT.eps
    """Added to the variance for numerical stability."""
    source: ClassVar[str] = "Ba, Kiros and Hinton 2016, arXiv:1607.06450; Xiong et al. 2020, arXiv:2002.04745"

    def apply(self, experiment: Experiment) -> Experiment:
        present = getattr(experiment.model, "normalization", None)
        if present is not None:
            raise refuse(f"the model already uses {present}")
        norm = LayerNorm(eps=self.eps)
        if norm == _DEFAULT:
            for value in ("layer_norm", f"{self.position}_layer_norm"):
                knob = with_knob(experiment, "normalization", value)
                if knob is not None:
                    return knob
        layers = as_layer_list(experiment).layers
        rewritten = insert_norms(layers, norm)
        if rewritten == layers:
            raise refuse(
                "every hidden linear and convolution layer already has a norm (recurrent layers have no place for one)"
            )
        return with_layers(experiment, rewritten)
