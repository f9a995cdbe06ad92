from math import prod
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from ...kernel.spec import Shape, Width
from .base import DoesNotFit, Layer, Layout, Parameter


class Embedding(Layer):
    """A learned vector for each symbol. It must be the first layer, because its input is symbols."""

    kind: Literal["embedding"] = "embedding"
    symbols: Annotated[int, Field(ge=1, le=1_000_000)]
    """Vocabulary size; at least that of the data set."""
    width: Width
    """Size of each vector."""
    wants: ClassVar[Layout | None] = "tokens"
    source: ClassVar[str] = "Bengio et al. 2003, JMLR 3; torch.nn.Embedding"

    def out_shape(self, in_shape: Shape) -> Shape:
        if len(in_shape) != 1:
            raise DoesNotFit(
                f"embedding does not accept the input shape {list(in_shape)}", allowed="[steps] of symbols"
            )
        return (in_shape[0], self.width)

    def call(self, in_shape: Shape) -> Call:
        return Call("nn.Embedding", (self.symbols, self.width))

    def parameters(self, in_shape: Shape) -> tuple[Parameter, ...]:
        return (Parameter("weight", (self.symbols, self.width), "table", deviation=1.0),)

    def flops(self, in_shape: Shape) -> int:
        return prod(self.out_shape(in_shape))
