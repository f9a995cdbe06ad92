from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..experiment import Experiment
from ..layers.batch_norm import BatchNorm
from ..presets.layers import LayerList
from .base import Remedy, as_layer_list, refuse, with_knobs, with_model
from .norms import insert_norms

_DEFAULT = BatchNorm()


class AddBatchNorm(Remedy):
    """Put a batch norm after each hidden weighted layer, before its activation."""

    kind: Literal["add_batch_norm"] = "add_batch_norm"
    momentum: Annotated[float, Field(gt=0, le=1)] = _DEFAULT.momentum
    """Weight of the newest batch in the running statistics that evaluation uses."""
    eps: Annotated[float, Field(gt=0, le=1)] = _DEFAULT.eps
    """Added to the variance."""
    rank: ClassVar[int | None] = 2
    source: ClassVar[str] = "Ioffe and Szegedy 2015, arXiv:1502.03167"

    def apply(self, experiment: Experiment) -> Experiment:
        model = experiment.model
        present = getattr(model, "normalization", None)
        if present is not None:
            raise refuse(f"the model is normalized by {present} already")
        norm = BatchNorm(momentum=self.momentum, eps=self.eps)
        if norm == _DEFAULT and "normalization" in type(model).model_fields and not isinstance(model, LayerList):
            return with_knobs(experiment, normalization="batch_norm")
        layers = as_layer_list(experiment)
        rewritten = insert_norms(layers.layers, norm)
        if rewritten == layers.layers:
            raise refuse("every hidden weighted layer is followed by a norm already")
        return with_model(experiment, layers.model_copy(update={"layers": rewritten}))
