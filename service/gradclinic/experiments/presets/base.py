"""The base class of model kinds: the input layout, and the layers of the network."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from ...kernel.spec import Shape, Spec
from ..initializations import AnyInitialization
from ..initializations.torch_default import TorchDefault
from ..layers import AnyLayer, Layer, Layout
from ..layers.batch_norm import BatchNorm
from ..layers.layer_norm import LayerNorm
from ..layers.rms_norm import RMSNorm

Depth = Annotated[int, Field(ge=1, le=1000)]

NORMS: dict[str, type[Layer]] = {"batch_norm": BatchNorm, "layer_norm": LayerNorm, "rms_norm": RMSNorm}
"""The norms that a preset can use."""


class Skip(Spec):
    """A skip connection around every block with equal input and output shapes."""

    scale: Annotated[float, Field(gt=0, le=100)] = 1.0
    """h + scale x block(h)."""


class Model(Spec):
    """A network: a preset with a few parameters, or an explicit list of layers."""

    kind: str
    initialization: AnyInitialization = TorchDefault()
    """Initialization of the hidden layers with weights."""
    source: ClassVar[str]

    @abstractmethod
    def layout(self) -> Layout:
        """Layout of one sample."""

    @abstractmethod
    def to_layers(self, outputs: int, input_shape: Shape) -> Sequence[AnyLayer]:
        """The layers for samples of this shape, including the readout with `outputs` units."""

    @abstractmethod
    def count(self) -> int:
        """Upper limit on the nodes it lowers to, computed without lowering."""

    def layer_pointer(self) -> str | None:
        """JSON pointer, within the model, to the list of layers; None for a preset."""
        return None


def norm_named(name: str | None) -> list[AnyLayer]:
    """The named norm as a list of one layer; empty for None."""
    return [NORMS[name]()] if name else []  # type: ignore[call-arg]  # the tag has a default in every concrete class
