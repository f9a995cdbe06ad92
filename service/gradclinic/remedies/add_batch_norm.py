from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..experiments.experiment import Experiment
from ..experiments.layers.batch_norm import BatchNorm
from ..measurements.record import RunRecord
from .base import Remedy, as_layer_list, refuse, with_knob, with_layers
from .norms import insert_norms

_DEFAULT = BatchNorm()


class AddBatchNorm(Remedy):
    """Insert a batch norm after each hidden layer with weights, before its activation."""

    kind: Literal["add_batch_norm"] = "add_batch_norm"
    momentum: Annotated[float, Field(gt=0, le=1)] = _DEFAULT.momentum
    """Weight of the latest batch in the running statistics used in evaluation."""
    eps: Annotated[float, Field(gt=0, le=1)] = _DEFAULT.eps
    """Added to the variance for numerical stability."""
    rank: ClassVar[int | None] = 2
    source: ClassVar[str] = "Ioffe and Szegedy 2015, arXiv:1502.03167"

    def in_place(self, record: RunRecord) -> bool:
        return record.preflight is not None and record.preflight.norm is not None

    def apply(self, experiment: Experiment) -> Experiment:
        present = getattr(experiment.model, "normalization", None)
        if present is not None:
            raise refuse(f"the model already uses {present}")
        norm = BatchNorm(momentum=self.momentum, eps=self.eps)
        knob = with_knob(experiment, "normalization", "batch_norm") if norm == _DEFAULT else None
        if knob is not None:
            return knob
        layers = as_layer_list(experiment).layers
        rewritten = insert_norms(layers, norm)
        if rewritten == layers:
            raise refuse(
                "every hidden linear and convolution layer already has a norm (recurrent layers have no place for one)"
            )
        return with_layers(experiment, rewritten)
