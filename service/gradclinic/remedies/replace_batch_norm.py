from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..experiments.experiment import Experiment
from ..experiments.layers import AnyLayer, Layer
from ..experiments.layers.batch_norm import BatchNorm
from ..experiments.layers.group_norm import GroupNorm
from ..experiments.layers.layer_norm import LayerNorm
from ..experiments.lowering import lower
from ..kernel.errors import InvalidSpec
from ..measurements.record import RunRecord
from .base import Remedy, as_layer_list, refuse, rewrite_layers, walk, with_knob, with_layers


class ReplaceBatchNorm(Remedy):
    """Replace each batch norm with a norm over the single sample, which does not depend on the rest of the batch."""

    kind: Literal["replace_batch_norm"] = "replace_batch_norm"
    norm: Literal["layer_norm", "group_norm"] = "layer_norm"
    """The new norm."""
    groups: Annotated[int, Field(ge=1, le=65_536)] = 4
    """Number of groups of a group norm; it must divide the units or channels of every batch norm."""
    source: ClassVar[str] = "Ba, Kiros and Hinton 2016, arXiv:1607.06450; Wu and He 2018, arXiv:1803.08494"

    def in_place(self, record: RunRecord) -> bool:
        return record.preflight is not None and record.preflight.norm is None

    def apply(self, experiment: Experiment) -> Experiment:
        layers = as_layer_list(experiment).layers
        if not any(isinstance(layer, BatchNorm) for layer in walk(layers)):
            raise refuse("the model has no batch norm")
        new: Layer = LayerNorm() if self.norm == "layer_norm" else GroupNorm(groups=self.groups)
        if self.norm == "layer_norm" and getattr(experiment.model, "normalization", None) == "batch_norm":
            knob = with_knob(experiment, "normalization", self.norm)
            if knob is not None:
                return knob
        changed = with_layers(experiment, rewrite_layers(layers, lambda layer: _replaced(layer, new)))
        try:
            lower(changed)
        except InvalidSpec as error:
            raise refuse(f"{self.norm} does not fit in the place of each batch norm: {error}") from None
        return changed


def _replaced(layer: AnyLayer, new: Layer) -> AnyLayer:
    return new if isinstance(layer, BatchNorm) else layer
