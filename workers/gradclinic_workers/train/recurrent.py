"""Recurrent layers, unrolled so that the tap sees the state at every time step."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from gradclinic_torch.model.tapped import Tap, Tapped

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
_NONLINEARITIES = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}


class Recurrent(Tapped):
    """One recurrent layer over [batch, steps, features]; equations, names and gate order are those of torch.

    The tap sees the state after every step as `<name>.t<step>` (for an LSTM the cell state c_t), and in a plain cell
    also the input of its nonlinearity as `<name>.t<step>.z`.
    """

    def __init__(
        self, features: int, width: int, *, cell: str, nonlinearity: str = "tanh", forget_bias: float = 0.0
    ) -> None:
        super().__init__()
        rows = GATES[cell] * width
        self.name = "recurrent"
        self.cell = cell
        self.width = width
        self.nonlinearity = _NONLINEARITIES[nonlinearity]
        self.weight_ih = nn.Parameter(torch.empty(rows, features).uniform_(-(width**-0.5), width**-0.5))
        self.weight_hh = nn.Parameter(torch.empty(rows, width).uniform_(-(width**-0.5), width**-0.5))
        self.bias_ih = nn.Parameter(torch.zeros(rows))
        self.bias_hh = nn.Parameter(torch.zeros(rows))
        if cell == "lstm":
            with torch.no_grad():
                self.bias_ih[width : 2 * width] = forget_bias

    def forward(self, inputs: Tensor, tap: Tap | None = None) -> Tensor:
        """Every step's output, [batch, steps, width]; the first state is zero."""
        driven = functional.linear(inputs, self.weight_ih, self.bias_ih).unbind(dim=1)
        outputs = {"rnn": self._plain, "gru": self._gru, "lstm": self._lstm}[self.cell](driven, tap)
        return torch.stack(outputs, dim=1)

    def _zeros(self, driven: tuple[Tensor, ...]) -> Tensor:
        return driven[0].new_zeros(len(driven[0]), self.width)

    def _plain(self, driven: tuple[Tensor, ...], tap: Tap | None) -> list[Tensor]:
        state, states = self._zeros(driven), []
        for step, drive in enumerate(driven):
            argument = drive + functional.linear(state, self.weight_hh, self.bias_hh)
            state = self.nonlinearity(argument)
            if tap is not None:
                tap(f"{self.name}.t{step}.z", argument)
                tap(f"{self.name}.t{step}", state)
            states.append(state)
        return states

    def _gru(self, driven: tuple[Tensor, ...], tap: Tap | None) -> list[Tensor]:
        state, states, width = self._zeros(driven), [], self.width
        for step, drive in enumerate(driven):
            fed_back = functional.linear(state, self.weight_hh, self.bias_hh)
            gates = torch.sigmoid(drive[:, : 2 * width] + fed_back[:, : 2 * width])
            new = torch.tanh(drive[:, 2 * width :] + gates[:, :width] * fed_back[:, 2 * width :])
            state = torch.lerp(new, state, gates[:, width:])
            if tap is not None:
                tap(f"{self.name}.t{step}", state)
            states.append(state)
        return states

    def _lstm(self, driven: tuple[Tensor, ...], tap: Tap | None) -> list[Tensor]:
        hidden = memory = self._zeros(driven)
        outputs, width = [], self.width
        for step, drive in enumerate(driven):
            joined = drive + functional.linear(hidden, self.weight_hh, self.bias_hh)
            entering, kept = torch.sigmoid(joined[:, : 2 * width]).chunk(2, dim=1)
            new, shown = torch.tanh(joined[:, 2 * width : 3 * width]), torch.sigmoid(joined[:, 3 * width :])
            memory = kept * memory + entering * new
            if tap is not None:
                tap(f"{self.name}.t{step}", memory)
            hidden = shown * torch.tanh(memory)
            outputs.append(hidden)
        return outputs
