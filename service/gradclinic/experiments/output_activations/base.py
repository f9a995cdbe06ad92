"""The base class of activations that only end a network, since they act on all outputs of a sample together."""

from abc import abstractmethod
from typing import ClassVar

from ...kernel.calls import Call
from ...kernel.spec import Spec


class OutputActivation(Spec):
    """A function of all outputs of a sample."""

    name: str
    range: ClassVar[tuple[float, float]]
    """Range of each output."""
    source: ClassVar[str]

    @abstractmethod
    def call(self) -> Call:
        """The torch module that computes it."""
