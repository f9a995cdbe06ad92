from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from ...kernel.spec import Shape
from .base import Layer


class Dropout(Layer):
    """Sets each value to zero with probability `p` in training, and scales up the rest to keep the mean."""

    kind: Literal["dropout"] = "dropout"
    p: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Fraction of values that are dropped."""
    source: ClassVar[str] = "Srivastava et al. 2014, JMLR 15"

    def out_shape(self, in_shape: Shape) -> Shape:
        return in_shape

    def call(self, in_shape: Shape) -> Call:
        return Call("nn.Dropout", kwargs={"p": self.p})
