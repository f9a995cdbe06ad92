from typing import ClassVar, Literal

from ..experiments.experiment import Experiment
from ..experiments.optimizers import AnyOptimizer
from ..experiments.optimizers.adam import Adam
from .base import Remedy, refuse


class ChangeOptimizer(Remedy):
    """Take the steps by another optimizer, by default Adam, which rescales each weight's gradient to its own size."""

    kind: Literal["change_optimizer"] = "change_optimizer"
    optimizer: AnyOptimizer = Adam(learning_rate=0.001)
    """The new optimizer, its learning rate included, since no rate means the same to two optimizers."""
    source: ClassVar[str] = "Kingma and Ba 2015, arXiv:1412.6980"

    def apply(self, experiment: Experiment) -> Experiment:
        if experiment.optimizer == self.optimizer:
            raise refuse(f"the optimizer is {self.optimizer.kind} with these fields already")
        return experiment.model_copy(update={"optimizer": self.optimizer})
