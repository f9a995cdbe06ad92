from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..experiments.experiment import Experiment
from ..measurements.record import RunRecord
from .base import Remedy, refuse


class LowerWeightDecay(Remedy):
    """Multiply the weight decay by `factor`: a strong decay keeps the weights too small to learn."""

    kind: Literal["lower_weight_decay"] = "lower_weight_decay"
    factor: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Factor that multiplies the weight decay; 0 removes it."""
    source: ClassVar[str] = "Krogh and Hertz 1991, NeurIPS 4; Loshchilov and Hutter 2019, arXiv:1711.05101"

    def in_place(self, record: RunRecord) -> bool:
        used = record.preflight.optimizer if record.preflight is not None else None
        return used is not None and used.weight_decay == 0

    def apply(self, experiment: Experiment) -> Experiment:
        optimizer = experiment.optimizer
        if optimizer.weight_decay == 0:
            raise refuse("there is no weight decay")
        decay = optimizer.weight_decay * self.factor
        return experiment.model_copy(update={"optimizer": optimizer.model_copy(update={"weight_decay": decay})})
