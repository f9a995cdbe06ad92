"""Recurrent layers of every lane, back-propagated through time step by step.

The equations are those of `recurrent.Recurrent`. The backward pass of a step is written out, so that the products with
the inputs and with the states before can wait until all steps are done: each is then one product instead of one a step.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gradclinic_torch.model.tapped import Tap

from ..recurrent import Recurrent
from .derivatives import DERIVATIVES
from .layer import LaneLayer, Pass, Stack
from .parameters import LaneParameter
from .products import added_product, product


class State(NamedTuple):
    """What a cell leaves after a time step; every tensor is [lanes, batch, width]."""

    hidden: Tensor
    """What the next step and the next layer see."""
    shown: Tensor
    """The site of the step: the cell state of an LSTM, the hidden state of the others."""
    argument: Tensor | None = None
    """The input of a plain cell's nonlinearity."""
    kept: tuple[Tensor, ...] = ()
    """Gates and what else backward needs."""


class Back(NamedTuple):
    """The gradients that one time step passes back."""

    of_shown: Tensor
    """[lanes, batch, width]: dL/d(site)"""
    of_driven: Tensor
    """[lanes, batch, gates x width]: dL/d(what comes from the inputs)"""
    of_fed_back: Tensor
    """[lanes, batch, gates x width]: dL/d(what comes from the state before)"""
    of_hidden: Tensor | None = None
    """[lanes, batch, width]: what reaches the hidden state before without passing a weight."""
    of_memory: Tensor | None = None
    """[lanes, batch, width]: what reaches the cell state before."""


class Cell(ABC):
    """The equations of one time step."""

    @abstractmethod
    def step(self, driven: Tensor, fed_back: Tensor, before: State) -> State:
        """The next state, from what comes from the inputs and from the state before."""

    @abstractmethod
    def back(self, state: State, before: State, of_hidden: Tensor, of_memory: Tensor | None) -> Back:
        """Back through `step`, from all that reaches the hidden state and, of later steps, the cell state."""


class PlainCell(Cell):
    """h' = f(driven + fed back)."""

    def __init__(self, module: Recurrent) -> None:
        self._nonlinearity = module.nonlinearity
        self._module = _MODULES[module.nonlinearity]()
        self._derivative = DERIVATIVES[type(self._module)]

    def step(self, driven: Tensor, fed_back: Tensor, before: State) -> State:
        """The nonlinearity of the sum."""
        argument = driven + fed_back
        hidden = self._nonlinearity(argument)
        return State(hidden, hidden, argument)

    def back(self, state: State, before: State, of_hidden: Tensor, of_memory: Tensor | None) -> Back:
        """The slope at each unit times the gradient."""
        of_sum = self._derivative.backward(self._module, of_hidden, state.hidden)
        return Back(of_hidden, of_sum, of_sum)


class GRUCell(Cell):
    """h' = n + z (h - n), n = tanh(driven + r x fed back), with the gates r and z."""

    def __init__(self, module: Recurrent) -> None:
        self._width = module.width

    def step(self, driven: Tensor, fed_back: Tensor, before: State) -> State:
        """The state before and the new one, mixed by the update gate."""
        width = self._width
        gates = torch.sigmoid(driven[..., : 2 * width] + fed_back[..., : 2 * width])
        reset, update = gates.chunk(2, dim=-1)
        candidate = fed_back[..., 2 * width :]
        new = torch.tanh(driven[..., 2 * width :] + reset * candidate)
        hidden = torch.lerp(new, before.hidden, update)
        return State(hidden, hidden, kept=(gates, candidate, new))

    def back(self, state: State, before: State, of_hidden: Tensor, of_memory: Tensor | None) -> Back:
        """Through the mixture, the new state, and both gates."""
        gates, candidate, new = state.kept
        reset, update = gates.chunk(2, dim=-1)
        passed = of_hidden * update
        of_new = torch.ops.aten.tanh_backward.default(of_hidden - passed, new)
        of_gates = torch.cat([of_new * candidate, of_hidden * (before.hidden - new)], dim=-1)
        of_gates = torch.ops.aten.sigmoid_backward.default(of_gates, gates)
        of_driven = torch.cat([of_gates, of_new], dim=-1)
        return Back(of_hidden, of_driven, torch.cat([of_gates, of_new * reset], dim=-1), of_hidden=passed)


class LSTMCell(Cell):
    """c' = f c + i g, h' = o tanh(c'), with the gates i, f and o, and the new values g."""

    def __init__(self, module: Recurrent) -> None:
        self._width = module.width

    def step(self, driven: Tensor, fed_back: Tensor, before: State) -> State:
        """The cell state, partly kept and partly new, and what the output gate shows of it."""
        joined, width = driven + fed_back, self._width
        gates = torch.sigmoid(joined[..., : 2 * width])
        entering, kept = gates.chunk(2, dim=-1)
        new = torch.tanh(joined[..., 2 * width : 3 * width])
        showing = torch.sigmoid(joined[..., 3 * width :])
        memory = kept * before.shown + entering * new
        bent = torch.tanh(memory)
        return State(showing * bent, memory, kept=(gates, new, showing, bent))

    def back(self, state: State, before: State, of_hidden: Tensor, of_memory: Tensor | None) -> Back:
        """Through the output gate to the cell state, and through the other gates."""
        gates, new, showing, bent = state.kept
        entering, kept = gates.chunk(2, dim=-1)
        of_cell = torch.ops.aten.tanh_backward.default(of_hidden * showing, bent)
        if of_memory is not None:
            of_cell = of_cell + of_memory
        of_gates = torch.cat([of_cell * new, of_cell * before.shown], dim=-1)
        of_sum = torch.cat(
            [
                torch.ops.aten.sigmoid_backward.default(of_gates, gates),
                torch.ops.aten.tanh_backward.default(of_cell * entering, new),
                torch.ops.aten.sigmoid_backward.default(of_hidden * bent, showing),
            ],
            dim=-1,
        )
        return Back(of_cell, of_sum, of_sum, of_memory=of_cell * kept)


_MODULES: Mapping[object, type[nn.Module]] = {torch.tanh: nn.Tanh, torch.relu: nn.ReLU, torch.sigmoid: nn.Sigmoid}
"""The modules of the nonlinearities, whose derivatives are known from the outputs."""
_CELLS: Mapping[str, type[PlainCell | GRUCell | LSTMCell]] = {"rnn": PlainCell, "gru": GRUCell, "lstm": LSTMCell}


class LaneRecurrent(LaneLayer):
    """recurrent.Recurrent of every lane."""

    def __init__(self, stack: Stack) -> None:
        module = stack.first
        assert isinstance(module, Recurrent)  # noqa: S101  # it is what the layer lowers to
        self._name, self._width, self._cell = module.name, module.width, _CELLS[module.cell](module)
        self._input, self._input_bias = stack.parameter("weight_ih"), stack.parameter("bias_ih")
        self._recurrent, self._recurrent_bias = stack.parameter("weight_hh"), stack.parameter("bias_hh")
        self._rows, self._states = torch.empty(0), list[State]()

    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """[lanes, batch, steps, features] to every step's output, [lanes, batch, steps, width]."""
        rows = inputs.flatten(1, 2)
        driven = added_product(of.values(self._input_bias).unsqueeze(1), rows, _transposed(of, self._input))
        bias, weight = of.values(self._recurrent_bias).unsqueeze(1), _transposed(of, self._recurrent)
        zeros = inputs.new_zeros(len(inputs), inputs.shape[1], self._width)
        states = [State(zeros, zeros)]
        for step, drive in enumerate(driven.view(*inputs.shape[:3], -1).unbind(2)):
            state = self._cell.step(drive, added_product(bias, states[-1].hidden, weight), states[-1])
            self._show(step, state, of.tap)
            states.append(state)
        if of.trains:
            self._rows, self._states = rows, states
        return torch.stack([state.hidden for state in states[1:]], dim=2)

    def _show(self, step: int, state: State, tap: Tap | None) -> None:
        if tap is None:
            return
        if state.argument is not None:
            tap(f"{self._name}.t{step}.z", state.argument)
        tap(f"{self._name}.t{step}", state.shown)

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """Back through the time steps, the last one first; then the products with all inputs and states at once."""
        states, rows, passed = self._states, self._rows, list[Back]()
        self._rows, self._states = torch.empty(0), []
        for step, of_output in reversed([*enumerate(gradient.unbind(2))]):
            of_hidden = self._reaching(of_output, passed)
            of_memory = passed[-1].of_memory if passed else None
            back = self._cell.back(states[step + 1], states[step], of_hidden, of_memory)
            if tap is not None:
                tap(f"{self._name}.t{step}", back.of_shown)
            passed.append(back)
        passed.reverse()
        of_driven = torch.stack([back.of_driven for back in passed], dim=2).flatten(1, 2)
        self._write(self._input, self._input_bias, of_driven, rows)
        of_fed_back = torch.stack([back.of_fed_back for back in passed], dim=1).flatten(1, 2)
        before = torch.stack([state.hidden for state in states[:-1]], dim=1).flatten(1, 2)
        self._write(self._recurrent, self._recurrent_bias, of_fed_back, before)
        if not self.passes_on:
            return gradient
        return product(of_driven, self._input.value).view(*gradient.shape[:3], -1)

    def _reaching(self, of_output: Tensor, later: Sequence[Back]) -> Tensor:
        """dL/d(hidden state) of a step, from its output and from the step after it."""
        if not later:
            return of_output
        of_hidden = added_product(of_output, later[-1].of_fed_back, self._recurrent.value)
        return of_hidden if later[-1].of_hidden is None else of_hidden.add_(later[-1].of_hidden)

    @staticmethod
    def _write(weight: LaneParameter, bias: LaneParameter, of_rows: Tensor, rows: Tensor) -> None:
        """The gradients of a product's weight and bias: of_rows and rows are [lanes, batch x steps, ...]."""
        if weight.gradient is not None:
            weight.gradient.copy_(product(of_rows.transpose(1, 2), rows))
        if bias.gradient is not None:
            torch.sum(of_rows, 1, out=bias.gradient)


def _transposed(of: Pass, weight: LaneParameter) -> Tensor:
    return of.values(weight).transpose(1, 2)
