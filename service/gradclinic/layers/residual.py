from math import prod
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ..calls import Call
from ..spec import Items, Shape
from .base import DoesNotFit, Layer, Node, lower_sequence

if TYPE_CHECKING:
    from . import AnyLayer


class Residual(Layer):
    """h + scale x body(h): the skip connection lets the gradient pass the body by."""

    kind: Literal["residual"] = "residual"
    body: Annotated[Items["AnyLayer"], Field(min_length=1, max_length=200)]
    """The layers of the block; they must return the shape they take."""
    scale: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Multiplies the body's output; 1 / sqrt(number of blocks) keeps a deep network's gradient level."""
    source: ClassVar[str] = "He et al. 2016, arXiv:1512.03385; branch scale: Zhang et al. 2019, arXiv:1901.09321"

    def out_shape(self, in_shape: Shape) -> Shape:
        return in_shape

    def call(self, in_shape: Shape) -> Call:
        return Call("blocks.Residual", kwargs={"scale": self.scale})

    def count(self) -> int:
        return 1 + sum(layer.count() for layer in self.body)

    def children(self, in_shape: Shape, *, name: str, pointer: str) -> tuple[Node, ...]:
        nodes, out_shape = lower_sequence(self.body, in_shape, prefix=f"{name}.", pointer=f"{pointer}/body")
        if out_shape != in_shape:
            raise DoesNotFit(
                f"the body turns {list(in_shape)} into {list(out_shape)}, which cannot be added to its input",
                allowed="a body that returns the shape it takes",
            )
        return nodes

    def flops(self, in_shape: Shape) -> int:
        return 2 * prod(in_shape)
