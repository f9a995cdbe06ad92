from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from ..experiments.experiment import Experiment
from ..experiments.optimizers import AnyOptimizer
from ..experiments.optimizers.adam import Adam
from ..experiments.optimizers.base import Optimizer
from ..kernel.spec import Fraction
from ..measurements.record import RunRecord
from .base import Remedy, refuse


class ChangeOptimizer(Remedy):
    """Take the steps by another optimizer, by default Adam; the weight decay stays unless another is named."""

    kind: Literal["change_optimizer"] = "change_optimizer"
    optimizer: AnyOptimizer = Adam(learning_rate=0.001)
    """The new optimizer with its learning rate, because learning rates do not transfer between optimizers."""
    weight_decay: Fraction | None = None
    """The new optimizer's weight decay; null keeps that of the experiment."""
    source: ClassVar[str] = "Kingma and Ba 2015, arXiv:1412.6980"

    @model_validator(mode="before")
    @classmethod
    def _a_decay_of_the_optimizer_is_named(cls, posted: Any) -> Any:
        """A weight decay that was posted as a field of the optimizer is one that was asked for."""
        if not isinstance(posted, Mapping) or "weight_decay" in posted:
            return posted
        decay = _named_decay(posted.get("optimizer"))
        return posted if decay is None else {**posted, "weight_decay": decay}

    @property
    def advice(self) -> str:
        return f"use {self.optimizer.kind} with a learning rate of {self.optimizer.learning_rate:g}"

    def in_place(self, record: RunRecord) -> bool:
        used = record.preflight.optimizer if record.preflight is not None else None
        return used is not None and used.name.lower() == self.optimizer.kind

    def apply(self, experiment: Experiment) -> Experiment:
        decay = experiment.optimizer.weight_decay if self.weight_decay is None else self.weight_decay
        changed = self.optimizer.model_copy(update={"weight_decay": decay})
        if experiment.optimizer == changed:
            raise refuse(f"the optimizer is {changed.kind} with these fields already")
        return experiment.model_copy(update={"optimizer": changed})


def _named_decay(optimizer: Any) -> Any:
    if isinstance(optimizer, Optimizer):
        return optimizer.weight_decay if "weight_decay" in optimizer.model_fields_set else None
    return optimizer.get("weight_decay") if isinstance(optimizer, Mapping) else None
