from math import prod
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..calls import Call
from ..spec import Shape
from .base import DoesNotFit, Layer, Parameter


class BatchNorm(Layer):
    """Standardizes every unit (or channel) over the batch, then scales and shifts it by learned factors."""

    kind: Literal["batch_norm"] = "batch_norm"
    momentum: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Weight of the newest batch in the running statistics that evaluation uses."""
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-5
    """Added to the variance."""
    is_norm: ClassVar[bool] = True
    unit_axis: ClassVar[int] = 1
    source: ClassVar[str] = "Ioffe and Szegedy 2015, arXiv:1502.03167"

    def out_shape(self, in_shape: Shape) -> Shape:
        if len(in_shape) not in (1, 3):
            raise DoesNotFit(
                f"batch norm cannot take the shape {list(in_shape)}",
                allowed="[features] or [channels, height, width]; for sequences use layer_norm",
            )
        return in_shape

    def call(self, in_shape: Shape) -> Call:
        target = "nn.BatchNorm1d" if len(in_shape) == 1 else "nn.BatchNorm2d"
        options = {"momentum": self.momentum, "eps": self.eps}
        return Call(target, (in_shape[0],), options)

    def parameters(self, in_shape: Shape) -> tuple[Parameter, ...]:
        units = in_shape[0]
        return (Parameter("weight", (units,), "scale"), Parameter("bias", (units,), "shift"))

    def smallest_batch(self, in_shape: Shape) -> int:
        return 2 if prod(in_shape[1:]) == 1 else 1

    def flops(self, in_shape: Shape) -> int:
        return 7 * prod(in_shape)
