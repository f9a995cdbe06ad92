"""What every optimizer says about itself: its torch call and its knobs."""

from abc import abstractmethod
from typing import ClassVar

from ...kernel.calls import Call
from ...kernel.spec import PositiveFloat, Spec


class Optimizer(Spec):
    """An optimizer, as declared."""

    kind: str
    learning_rate: PositiveFloat
    """Step size; a schedule multiplies it."""
    source: ClassVar[str]

    @abstractmethod
    def call(self) -> Call:
        """The torch optimizer, without its parameters."""
