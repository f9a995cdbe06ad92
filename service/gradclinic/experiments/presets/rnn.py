from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.spec import Shape, Width
from ..layers import AnyLayer, Layout
from ..layers.last_step import LastStep
from ..layers.linear import Linear
from ..layers.recurrent import Cell, Nonlinearity, Recurrent
from .base import Model


class RNN(Model):
    """A recurrent network: `depth` recurrent layers of the same cell, and a linear readout from the last state."""

    kind: Literal["rnn"] = "rnn"
    cell: Cell = "rnn"
    """The cell: plain, LSTM or GRU."""
    width: Width
    """Number of units of the state."""
    depth: Annotated[int, Field(ge=1, le=100)] = 1
    """Number of stacked recurrent layers."""
    activation: Nonlinearity = "tanh"
    """Nonlinearity of a plain cell; LSTM and GRU have fixed ones."""
    forget_bias: Annotated[float, Field(ge=-100, le=100)] = 0.0
    """Initial bias of the LSTM forget gate; a positive value keeps memory longer at the start."""
    source: ClassVar[str] = "Elman 1990, Cognitive Science 14; Jozefowicz et al. 2015, ICML (forget bias)"

    def layout(self) -> Layout:
        return "sequence"

    def to_layers(self, outputs: int, input_shape: Shape) -> Sequence[AnyLayer]:
        recurrent = Recurrent(
            cell=self.cell,
            width=self.width,
            nonlinearity=self.activation,
            layers=self.depth,
            forget_bias=self.forget_bias,
        )
        return [recurrent, LastStep(), Linear(out_features=outputs)]

    def count(self) -> int:
        return self.depth + 2
