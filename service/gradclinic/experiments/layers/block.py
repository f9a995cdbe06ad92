from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from ...kernel.spec import Items, Shape
from .base import Layer, Node, lower_sequence

if TYPE_CHECKING:
    from . import AnyLayer


class Block(Layer):
    """A group of layers that counts as one: its output is one site (layer output) of the gradient profile."""

    kind: Literal["block"] = "block"
    body: Annotated[Items["AnyLayer"], Field(min_length=1, max_length=200)]
    """The layers of the block."""
    source: ClassVar[str] = "gradclinic: groups the layers of a transformer block, with or without skip connections"

    def inner(self) -> tuple["AnyLayer", ...]:
        return self.body

    def out_shape(self, in_shape: Shape) -> Shape:
        return lower_sequence(self.body, in_shape)[1]

    def call(self, in_shape: Shape) -> Call:
        return Call("blocks.Block")

    def node(self, in_shape: Shape, *, name: str, pointer: str) -> Node:
        children, out_shape = lower_sequence(
            self.body, in_shape, prefix=f"{name}.", pointer=f"{pointer}/body" if pointer else None
        )
        return Node(
            name=name,
            kind=self.kind,
            call=self.call(in_shape),
            in_shape=in_shape,
            out_shape=out_shape,
            parameters=(),
            flops=sum(child.flops for child in children),
            pointer=pointer,
            layer=self,
            children=children,
        )
