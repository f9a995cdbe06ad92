from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from ...kernel.spec import Items, Shape
from ..layers import AnyLayer, Layer, Layout
from .base import Model

MAX_NESTING = 20


class LayerList(Model):
    """An explicit list of layers. The data set gives the input shape; the last layer with weights is the readout."""

    kind: Literal["layers"] = "layers"
    layers: Annotated[Items[AnyLayer], Field(min_length=1, max_length=5000)]
    """The layers, from input to output."""
    source: ClassVar[str] = "gradclinic"

    @model_validator(mode="after")
    def _nested_within_reason(self) -> Self:
        if _nesting(self.layers) > MAX_NESTING:
            raise ValueError(f"layers are nested more than {MAX_NESTING} deep")
        return self

    def layout(self) -> Layout:
        """The layout of the first layer that requires one; flat if none does."""
        return next((layer.wants for layer in _walk(self.layers) if layer.wants is not None), "flat")

    def to_layers(self, outputs: int, input_shape: Shape) -> Sequence[AnyLayer]:
        return self.layers

    def count(self) -> int:
        return sum(layer.count() for layer in self.layers)

    def layer_pointer(self) -> str | None:
        return "/layers"


def _walk(layers: Sequence[Layer]) -> Iterator[Layer]:
    for layer in layers:
        yield layer
        yield from _walk(layer.inner())


def _nesting(layers: Sequence[Layer]) -> int:
    """Nesting depth of bodies, computed without recursion so that any depth can be rejected."""
    depth, level = 0, list(layers)
    while level and depth <= MAX_NESTING:
        depth += 1
        level = [inner for layer in level for inner in layer.inner()]
    return depth
