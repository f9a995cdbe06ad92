"""The base class of optimizers: the torch call and its parameters."""

from abc import abstractmethod
from typing import Annotated, ClassVar

from pydantic import Field

from ...kernel.calls import Call
from ...kernel.spec import Fraction, PositiveFloat, Spec

WeightDecay = Annotated[float, Field(ge=0, le=1000)]
"""Times the learning rate, the fraction of each weight that a step takes away; so it may be above 1."""


class Optimizer(Spec):
    """An optimizer."""

    kind: str
    learning_rate: PositiveFloat
    """Step size; multiplied by the schedule's factor."""
    weight_decay: Fraction = 0.0
    """How strongly every step pulls the weights towards zero."""
    source: ClassVar[str]

    @abstractmethod
    def call(self) -> Call:
        """The torch optimizer call, without the model's parameters."""
