from math import prod
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from ...kernel.spec import Shape
from .base import Layer, Parameter


class RMSNorm(Layer):
    """Divides each sample by its root mean square over units (an image as a whole), then scales each unit."""

    kind: Literal["rms_norm"] = "rms_norm"
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-5
    """Added to the mean square for numerical stability."""
    is_norm: ClassVar[bool] = True
    source: ClassVar[str] = "Zhang and Sennrich 2019, arXiv:1910.07467"

    def out_shape(self, in_shape: Shape) -> Shape:
        return in_shape

    def call(self, in_shape: Shape) -> Call:
        if len(in_shape) == 3:
            return Call("blocks.ImageRMSNorm", (in_shape[0],), {"eps": self.eps})
        return Call("nn.RMSNorm", (in_shape[-1],), {"eps": self.eps})

    def parameters(self, in_shape: Shape) -> tuple[Parameter, ...]:
        return (Parameter("weight", (in_shape[0] if len(in_shape) == 3 else in_shape[-1],), "scale"),)

    def flops(self, in_shape: Shape) -> int:
        return 4 * prod(in_shape)
