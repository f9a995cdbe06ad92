"""What every optimizer says about itself: its torch call and its knobs."""

from abc import abstractmethod
from typing import Annotated, ClassVar

from pydantic import Field

from ...kernel.calls import Call
from ...kernel.spec import Fraction, PositiveFloat, Spec

WeightDecay = Annotated[float, Field(ge=0, le=1000)]
"""Times the learning rate, the fraction of each weight that a step takes away; so it may be above 1."""


class Optimizer(Spec):
    """An optimizer, as declared."""

    kind: str
    learning_rate: PositiveFloat
    """Step size; a schedule multiplies it."""
    weight_decay: Fraction = 0.0
    """How strongly every step pulls the weights towards zero."""
    source: ClassVar[str]

    @abstractmethod
    def call(self) -> Call:
        """The torch optimizer, without its parameters."""
