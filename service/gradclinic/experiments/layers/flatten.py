from math import prod
from typing import ClassVar, Literal

from ...kernel.calls import Call
from ...kernel.spec import Shape
from .base import Layer


class Flatten(Layer):
    """Flattens each sample to one vector."""

    kind: Literal["flatten"] = "flatten"
    source: ClassVar[str] = "torch.nn.Flatten"

    def out_shape(self, in_shape: Shape) -> Shape:
        return (prod(in_shape),)

    def call(self, in_shape: Shape) -> Call:
        return Call("nn.Flatten")

    def flops(self, in_shape: Shape) -> int:
        return 0
