from typing import ClassVar, Literal

from ...kernel.calls import Call
from .base import OutputActivation


class Softmax(OutputActivation):
    """Probabilities of the classes: each output's exponential over their sum."""

    name: Literal["softmax"] = "softmax"
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    source: ClassVar[str] = "Bridle 1990, Neurocomputing, NATO ASI 68"

    def call(self) -> Call:
        return Call("nn.Softmax", kwargs={"dim": -1})
