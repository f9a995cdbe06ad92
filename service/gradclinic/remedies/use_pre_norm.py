from collections.abc import Sequence
from typing import ClassVar, Literal

from ..experiments.experiment import Experiment
from ..experiments.layers import AnyLayer
from ..experiments.layers.residual import Residual
from .base import Remedy, as_layer_list, refuse, with_knob, with_layers


class UsePreNorm(Remedy):
    """Move each norm that follows a skip connection to the start of its branch, so the skip path stays free."""

    kind: Literal["use_pre_norm"] = "use_pre_norm"
    source: ClassVar[str] = "Xiong et al. 2020, arXiv:2002.04745"

    def apply(self, experiment: Experiment) -> Experiment:
        layers = as_layer_list(experiment).layers
        rewritten = _moved(layers)
        if rewritten == layers:
            raise refuse("no norm follows a skip connection")
        knob = with_knob(experiment, "normalization", "pre_layer_norm")
        return with_layers(experiment, rewritten) if knob is None else knob


def _moved(layers: Sequence[AnyLayer]) -> tuple[AnyLayer, ...]:
    result: list[AnyLayer] = []
    for layer in layers:
        inner = layer.model_copy(update={"body": _moved(layer.inner())}) if layer.inner() else layer
        before = result[-1] if result else None
        if inner.is_norm and isinstance(before, Residual):
            result[-1] = before.model_copy(update={"body": (inner, *before.body)})
        else:
            result.append(inner)
    return tuple(result)
