from math import prod
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from ...kernel.spec import Shape
from .base import Layer, Parameter

_TARGETS = {1: "nn.BatchNorm1d", 2: "blocks.SequenceBatchNorm", 3: "nn.BatchNorm2d"}


class BatchNorm(Layer):
    """Standardizes every unit (or channel) over the batch, then applies a learned scale and shift."""

    kind: Literal["batch_norm"] = "batch_norm"
    momentum: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Weight of the latest batch in the running statistics used in evaluation."""
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-5
    """Added to the variance for numerical stability."""
    is_norm: ClassVar[bool] = True
    source: ClassVar[str] = "Ioffe and Szegedy 2015, arXiv:1502.03167"

    def out_shape(self, in_shape: Shape) -> Shape:
        return in_shape

    def call(self, in_shape: Shape) -> Call:
        options = {"momentum": self.momentum, "eps": self.eps}
        return Call(_TARGETS[len(in_shape)], (_units(in_shape),), options)

    def parameters(self, in_shape: Shape) -> tuple[Parameter, ...]:
        units = _units(in_shape)
        return (Parameter("weight", (units,), "scale"), Parameter("bias", (units,), "shift"))

    def smallest_batch(self, in_shape: Shape) -> int:
        return 2 if prod(in_shape) == _units(in_shape) else 1

    def flops(self, in_shape: Shape) -> int:
        return 7 * prod(in_shape)


def _units(in_shape: Shape) -> int:
    return in_shape[0] if len(in_shape) == 3 else in_shape[-1]
