from math import prod
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from ...kernel.spec import Shape
from .base import DoesNotFit, Layer, Parameter


class GroupNorm(Layer):
    """Standardizes each sample over groups of its channels (or units), then scales and shifts each channel."""

    kind: Literal["group_norm"] = "group_norm"
    groups: Annotated[int, Field(ge=1, le=65_536)]
    """Number of groups; it must divide the number of channels."""
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-5
    """Added to the variance for numerical stability."""
    is_norm: ClassVar[bool] = True
    source: ClassVar[str] = "Wu and He 2018, arXiv:1803.08494"

    def out_shape(self, in_shape: Shape) -> Shape:
        if len(in_shape) == 2:
            raise DoesNotFit(
                f"group_norm does not accept the sequence shape {list(in_shape)}",
                allowed="[features] or [channels, height, width]; for sequences use layer_norm",
            )
        if in_shape[0] % self.groups or prod(in_shape) == self.groups:
            raise DoesNotFit(
                f"{in_shape[0]} channels cannot be split into {self.groups} groups of more than one value",
                allowed=f"a divisor of {in_shape[0]} that leaves more than one value in each group",
            )
        return in_shape

    def call(self, in_shape: Shape) -> Call:
        return Call("nn.GroupNorm", (self.groups, in_shape[0]), {"eps": self.eps})

    def parameters(self, in_shape: Shape) -> tuple[Parameter, ...]:
        return (Parameter("weight", in_shape[:1], "scale"), Parameter("bias", in_shape[:1], "shift"))

    def flops(self, in_shape: Shape) -> int:
        return 7 * prod(in_shape)
