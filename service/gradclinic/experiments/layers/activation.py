from typing import ClassVar, Literal

from ...kernel.calls import Call
from ...kernel.spec import Shape
from ..activations import AnyActivation
from .base import Layer, Parameter


class ActivationLayer(Layer):
    """An elementwise nonlinearity."""

    kind: Literal["activation"] = "activation"
    activation: AnyActivation
    """The activation: a name, or an object with parameters."""
    source: ClassVar[str] = "see the list of activations"

    def out_shape(self, in_shape: Shape) -> Shape:
        return in_shape

    def call(self, in_shape: Shape) -> Call:
        return self.activation.call()

    def parameters(self, in_shape: Shape) -> tuple[Parameter, ...]:
        learned = self.activation.learned
        return (Parameter("weight", (learned,), "scale"),) if learned else ()
