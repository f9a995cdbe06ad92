from math import prod
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from ...kernel.spec import Shape
from .base import Layer, Parameter


class LayerNorm(Layer):
    """Standardizes each sample over its units (each step of a sequence separately, an image as a whole).

    A learned scale and shift is applied to each unit, or to each channel of an image (a group norm with one group).
    """

    kind: Literal["layer_norm"] = "layer_norm"
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-5
    """Added to the variance for numerical stability."""
    is_norm: ClassVar[bool] = True
    source: ClassVar[str] = "Ba, Kiros and Hinton 2016, arXiv:1607.06450"

    def out_shape(self, in_shape: Shape) -> Shape:
        return in_shape

    def call(self, in_shape: Shape) -> Call:
        if len(in_shape) == 3:
            return Call("nn.GroupNorm", (1, in_shape[0]), {"eps": self.eps})
        return Call("nn.LayerNorm", (in_shape[-1],), {"eps": self.eps})

    def parameters(self, in_shape: Shape) -> tuple[Parameter, ...]:
        units = in_shape[0] if len(in_shape) == 3 else in_shape[-1]
        return (Parameter("weight", (units,), "scale"), Parameter("bias", (units,), "shift"))

    def flops(self, in_shape: Shape) -> int:
        return 7 * prod(in_shape)
