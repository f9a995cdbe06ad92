from typing import ClassVar, Literal

from ...kernel.calls import Call
from ...kernel.spec import Shape
from .base import DoesNotFit, Layer, Layout, Parameter


class LearnedPositions(Layer):
    """Adds a learned vector to each step of a sequence, so that attention can distinguish the steps."""

    kind: Literal["learned_positions"] = "learned_positions"
    wants: ClassVar[Layout | None] = "sequence"
    source: ClassVar[str] = "Devlin et al. 2019, arXiv:1810.04805 (deviation 0.02)"

    def out_shape(self, in_shape: Shape) -> Shape:
        if len(in_shape) != 2:
            raise DoesNotFit(
                f"learned_positions does not accept the input shape {list(in_shape)}", allowed="[steps, features]"
            )
        return in_shape

    def call(self, in_shape: Shape) -> Call:
        return Call("blocks.LearnedPositions", in_shape)

    def parameters(self, in_shape: Shape) -> tuple[Parameter, ...]:
        return (Parameter("table", in_shape, "table", deviation=0.02),)
