from math import prod
from typing import ClassVar, Literal

from ...kernel.calls import Call
from ...kernel.spec import Shape, Width
from .base import DoesNotFit, Parameter
from .weighted import Weighted


class Linear(Weighted):
    """z = W h + b over the last axis. A sequence uses the same weights at every step."""

    kind: Literal["linear"] = "linear"
    out_features: Width
    """Number of output units."""
    bias: bool = True
    """Whether it adds a bias."""
    source: ClassVar[str] = "torch.nn.Linear"

    def out_shape(self, in_shape: Shape) -> Shape:
        if len(in_shape) > 2:
            raise DoesNotFit(
                f"linear does not accept the input shape {list(in_shape)}",
                allowed="[features] or [steps, features]; put a flatten layer before it",
            )
        return (*in_shape[:-1], self.out_features)

    def call(self, in_shape: Shape) -> Call:
        return Call("nn.Linear", (in_shape[-1], self.out_features), {} if self.bias else {"bias": False})

    def parameters(self, in_shape: Shape) -> tuple[Parameter, ...]:
        fan_in, fan_out = in_shape[-1], self.out_features
        weight = Parameter("weight", (fan_out, fan_in), "weight", fan_in, fan_out)
        return (weight, Parameter("bias", (fan_out,), "bias", fan_in, fan_out)) if self.bias else (weight,)

    def flops(self, in_shape: Shape) -> int:
        return (2 * in_shape[-1] + self.bias) * self.out_features * prod(in_shape[:-1])
