from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from ...kernel.spec import Shape
from .base import DoesNotFit, Layout, Parameter
from .weighted import Weighted


class SelfAttention(Weighted):
    """Multi-head self-attention over all steps (only itself and earlier steps if causal); the width is unchanged."""

    kind: Literal["self_attention"] = "self_attention"
    heads: Annotated[int, Field(ge=1, le=1024)] = 1
    """Number of heads; it must divide the width."""
    causal: bool = False
    """Whether each step attends only to itself and earlier steps."""
    wants: ClassVar[Layout | None] = "sequence"
    source: ClassVar[str] = "Vaswani et al. 2017, arXiv:1706.03762"

    def out_shape(self, in_shape: Shape) -> Shape:
        if len(in_shape) != 2:
            raise DoesNotFit(
                f"self_attention does not accept the input shape {list(in_shape)}", allowed="[steps, features]"
            )
        if in_shape[1] % self.heads:
            raise DoesNotFit(
                f"{in_shape[1]} features cannot be divided among {self.heads} heads",
                allowed=f"a number of heads that divides {in_shape[1]}",
            )
        return in_shape

    def call(self, in_shape: Shape) -> Call:
        return Call("blocks.SelfAttention", (in_shape[1], self.heads), {"causal": True} if self.causal else {})

    def parameters(self, in_shape: Shape) -> tuple[Parameter, ...]:
        width = in_shape[1]
        return (
            Parameter("qkv.weight", (3 * width, width), "weight", width, width, parts=3),
            Parameter("qkv.bias", (3 * width,), "shift"),
            Parameter("out.weight", (width, width), "weight", width, width),
            Parameter("out.bias", (width,), "shift"),
        )

    def flops(self, in_shape: Shape) -> int:
        steps, width = in_shape
        return 8 * steps * width * width + 4 * steps * steps * width + 5 * self.heads * steps * steps
