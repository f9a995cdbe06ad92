from typing import ClassVar, Literal

from pydantic import model_validator
from typing_extensions import Self

from ..experiments.experiment import Experiment
from ..kernel.spec import PositiveFloat
from .base import Remedy
from .learning_rate import with_learning_rate


class SetLearningRate(Remedy):
    """Set the learning rate to a value, or multiply it by a factor."""

    kind: Literal["set_learning_rate"] = "set_learning_rate"
    value: PositiveFloat | None = None
    """The new learning rate."""
    factor: PositiveFloat | None = None
    """Factor that multiplies the old learning rate."""
    source: ClassVar[str] = "Bengio 2012, arXiv:1206.5533"

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.value is None) == (self.factor is None):
            raise ValueError("set exactly one of value and factor")
        return self

    @property
    def advice(self) -> str:
        if self.value is not None:
            return f"set the learning rate to {self.value:g}"
        return f"multiply the learning rate by {self.factor:g}"

    def apply(self, experiment: Experiment) -> Experiment:
        if self.value is not None:
            return with_learning_rate(experiment, self.value)
        return with_learning_rate(experiment, experiment.optimizer.learning_rate * (self.factor or 1.0))
