from typing import ClassVar, Literal

from ...kernel.calls import Call
from ...kernel.spec import Shape
from .base import DoesNotFit, Layer, Layout


class LastStep(Layer):
    """Keeps the last step of a sequence."""

    kind: Literal["last_step"] = "last_step"
    wants: ClassVar[Layout | None] = "sequence"
    source: ClassVar[str] = "definition"

    def out_shape(self, in_shape: Shape) -> Shape:
        if len(in_shape) != 2:
            raise DoesNotFit(f"last_step does not accept the input shape {list(in_shape)}", allowed="[steps, features]")
        return in_shape[1:]

    def call(self, in_shape: Shape) -> Call:
        return Call("blocks.LastStep")

    def flops(self, in_shape: Shape) -> int:
        return 0
