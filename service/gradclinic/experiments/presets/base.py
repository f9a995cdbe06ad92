"""What every model kind says about itself: which input it takes, and the layers it stands for."""

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
"""The norms that a preset's knob can name."""


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
    def to_layers(self, outputs: int, input_shape: Shape) -> Sequence[AnyLayer]:
        """The layers it stands for, the readout with `outputs` units included, for samples of that shape."""

    @abstractmethod
    def count(self) -> int:
        """How many nodes it lowers to at most, computed without lowering it."""

    def layer_pointer(self) -> str | None:
        """JSON pointer, within the model, of the list of layers; None where a preset makes the list."""
        return None


def norm_named(name: str | None) -> list[AnyLayer]:
    """The norm that a preset's knob names, as part of a list; nothing for None."""
    return [NORMS[name]()] if name else []  # type: ignore[call-arg]  # the tag has a default in every concrete class
