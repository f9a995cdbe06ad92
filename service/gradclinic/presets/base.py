"""What every model kind says about itself: which input it takes, and the layers it stands for."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..initializations import AnyInitialization
from ..initializations.torch_default import TorchDefault
from ..layers import AnyLayer
from ..spec import Spec

Layout = Literal["flat", "image", "sequence", "tokens"]
"""How a model wants one sample: [features], [channels, height, width], [steps, features], or [steps] of symbols."""

Depth = Annotated[int, Field(ge=1, le=1000)]


class Skip(Spec):
    """A skip connection around every block that keeps its shape."""

    scale: Annotated[float, Field(gt=0, le=100)] = 1.0
    """h + scale x block(h)."""


class Model(Spec):
    """A network, as declared: a preset with a few knobs, or an explicit list of layers."""

    kind: str
    initialization: AnyInitialization = TorchDefault()
    """How the hidden weighted layers start."""
    source: ClassVar[str]

    @abstractmethod
    def layout(self) -> Layout:
        """How it wants one sample."""

    @abstractmethod
    def to_layers(self, outputs: int) -> Sequence[AnyLayer]:
        """The list of layers it stands for, the readout with `outputs` units included."""

    @abstractmethod
    def count(self) -> int:
        """How many nodes it lowers to, computed without lowering it."""

    def layer_pointer(self) -> str:
        """JSON pointer, within the model, of the list of layers; "" where a preset makes the list."""
        return ""

    def as_layers(self, outputs: int) -> "Model":
        """The same network as an explicit list, for remedies that no knob of the preset expresses."""
        from .layers import LayerList

        return LayerList(layers=tuple(self.to_layers(outputs)), initialization=self.initialization)


def knob(model: Model, name: str) -> Any:
    """The value of a preset's knob, or None where this model has no such knob."""
    return getattr(model, name, None)
