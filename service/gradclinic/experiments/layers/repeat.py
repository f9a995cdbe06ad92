from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from ...kernel.spec import Items, Shape
from .base import Layer

if TYPE_CHECKING:
    from . import AnyLayer


class Repeat(Layer):
    """Repeats a list of layers; each copy has its own weights."""

    kind: Literal["repeat"] = "repeat"
    times: Annotated[int, Field(ge=1, le=1000)]
    """Number of copies."""
    body: Annotated[Items["AnyLayer"], Field(min_length=1, max_length=200)]
    """The layers to repeat."""
    source: ClassVar[str] = "gradclinic: a shorthand that is unrolled when the model is lowered"

    def out_shape(self, in_shape: Shape) -> Shape:
        raise AssertionError("repeat is unrolled before shapes are computed")

    def call(self, in_shape: Shape) -> Call:
        raise AssertionError("repeat is unrolled before it is built")

    def inner(self) -> tuple["AnyLayer", ...]:
        return self.body

    def count(self) -> int:
        return self.times * sum(layer.count() for layer in self.body)

    def expand(self, pointer: str) -> Iterator[tuple[Layer, str]]:
        for _ in range(self.times):
            for index, layer in enumerate(self.body):
                yield from layer.expand(f"{pointer}/body/{index}")
