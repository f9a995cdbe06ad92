from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..experiments.experiment import Experiment
from .base import Remedy
from .learning_rate import with_learning_rate


class LowerLearningRate(Remedy):
    """Multiply the learning rate by `factor`: smaller steps are more stable but learn more slowly."""

    kind: Literal["lower_learning_rate"] = "lower_learning_rate"
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Factor that multiplies the learning rate."""
    rank: ClassVar[int | None] = 3
    source: ClassVar[str] = "Bengio 2012, arXiv:1206.5533"

    @property
    def advice(self) -> str:
        return f"lower the learning rate (times {self.factor:g})"

    def apply(self, experiment: Experiment) -> Experiment:
        return with_learning_rate(experiment, experiment.optimizer.learning_rate * self.factor)
