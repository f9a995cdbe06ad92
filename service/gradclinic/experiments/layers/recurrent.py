from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from ...kernel.spec import Shape, Width
from ..activations import ACTIVATIONS, Activation
from .base import DoesNotFit, Layer, Layout, Parameter
from .weighted import Weighted

Cell = Literal["rnn", "lstm", "gru"]
Nonlinearity = Literal["tanh", "relu", "sigmoid"]
GATES: dict[str, int] = {"rnn": 1, "gru": 3, "lstm": 4}
"""Number of matrices stacked in a cell, in torch's order: GRU reset, update, new; LSTM input, forget, cell, output."""


class Recurrent(Weighted):
    """A recurrent layer. Its state at every time step is a site (layer output), and depth is time."""

    kind: Literal["recurrent"] = "recurrent"
    cell: Cell = "rnn"
    """The cell: plain, LSTM or GRU."""
    width: Width
    """Number of units of the state."""
    nonlinearity: Nonlinearity = "tanh"
    """Nonlinearity of a plain cell; LSTM and GRU have fixed ones."""
    layers: Annotated[int, Field(ge=1, le=100)] = 1
    """Number of stacked recurrent layers."""
    forget_bias: Annotated[float, Field(ge=-100, le=100)] = 0.0
    """Initial bias of the LSTM forget gate; a positive value keeps memory longer at the start."""
    wants: ClassVar[Layout | None] = "sequence"
    source: ClassVar[str] = (
        "Elman 1990, Cognitive Science 14; Hochreiter and Schmidhuber 1997, Neural Computation 9; "
        "Cho et al. 2014, arXiv:1406.1078"
    )

    def activation(self) -> Activation | None:
        """The nonlinearity of a plain cell's state; None for a gated cell."""
        return ACTIVATIONS[self.nonlinearity]() if self.cell == "rnn" else None  # type: ignore[call-arg]  # has a default

    def count(self) -> int:
        return self.layers

    def expand(self, pointer: str) -> Iterator[tuple[Layer, str]]:
        single = self if self.layers == 1 else self.model_copy(update={"layers": 1})
        for _ in range(self.layers):
            yield single, pointer

    def out_shape(self, in_shape: Shape) -> Shape:
        if len(in_shape) != 2:
            raise DoesNotFit(f"recurrent does not accept the input shape {list(in_shape)}", allowed="[steps, features]")
        return (in_shape[0], self.width)

    def call(self, in_shape: Shape) -> Call:
        options: dict[str, object] = {"cell": self.cell}
        if self.cell == "rnn":
            options["nonlinearity"] = self.nonlinearity
        elif self.cell == "lstm" and self.forget_bias:
            options["forget_bias"] = self.forget_bias
        return Call("blocks.Recurrent", (in_shape[1], self.width), options)

    def parameters(self, in_shape: Shape) -> tuple[Parameter, ...]:
        gates, features, width = GATES[self.cell], in_shape[1], self.width
        return (
            Parameter("weight_ih", (gates * width, features), "input_weight", features, width, parts=gates),
            Parameter("weight_hh", (gates * width, width), "weight", width, width, parts=gates),
            Parameter("bias_ih", (gates * width,), "shift"),
            Parameter("bias_hh", (gates * width,), "shift"),
        )

    def flops(self, in_shape: Shape) -> int:
        steps, features = in_shape
        return steps * GATES[self.cell] * self.width * (2 * (features + self.width) + 4)
