from math import inf
from typing import ClassVar, Literal

from ...kernel.calls import Call
from .base import OutputActivation


class LogSoftmax(OutputActivation):
    """Logarithms of the softmax's probabilities."""

    name: Literal["log_softmax"] = "log_softmax"
    range: ClassVar[tuple[float, float]] = (-inf, 0.0)
    source: ClassVar[str] = "Bridle 1990, Neurocomputing, NATO ASI 68"

    def call(self) -> Call:
        return Call("nn.LogSoftmax", kwargs={"dim": -1})
