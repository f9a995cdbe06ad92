from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..layers import AnyLayer
from ..spec import Items
from .base import Layout, Model


class LayerList(Model):
    """An explicit list of layers; the data gives the shape of the input, the last weighted layer is the readout."""

    kind: Literal["layers"] = "layers"
    layers: Annotated[Items[AnyLayer], Field(min_length=1, max_length=500)]
    """The layers, from input to output."""
    source: ClassVar[str] = "gradclinic"

    def layout(self) -> Layout:
        return "flat"

    def to_layers(self, outputs: int) -> Sequence[AnyLayer]:
        return self.layers

    def count(self) -> int:
        return sum(layer.count() for layer in self.layers)

    def layer_pointer(self) -> str:
        return "/layers"
