"""The optimizers of all lanes: one for the lanes whose updates follow the same declaration."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn

from ..build import build_optimizer
from .lane import Lane

WHOLE = 16
"""Fused kernels compute so many entries at once, and a tensor's last ones by other instructions, which round otherwise.
A multiple of 16 leaves none over, so that lanes can be updated as one tensor, and still as each would be alone."""


@dataclass(frozen=True)
class _Piece:
    """A part of a stacked parameter that is updated as one tensor: some lanes' [lanes, ...], or one lane's own."""

    index: int
    """The place of the parameter among the trained ones."""
    rows: slice | int
    tensor: nn.Parameter

    def of(self, place: int, state: Tensor) -> Tensor:
        """A copy of what belongs to one lane in a state; a number of steps belongs to all."""
        entries = state.shape == self.tensor.shape
        return (state[place - self.rows.start] if entries and isinstance(self.rows, slice) else state).clone()


@dataclass(frozen=True)
class _Group:
    """Neighbouring lanes with the same settings."""

    first: int
    lanes: Sequence[Lane]
    pieces: Sequence[_Piece]
    optimizer: torch.optim.Optimizer

    def step(self, parameters: Sequence[nn.Parameter]) -> None:
        """Update the lanes with the gradients of the stacked parameters."""
        rate = self.lanes[0].learning_rate
        for settings in self.optimizer.param_groups:
            settings["lr"] = rate
        for piece in self.pieces:
            gradient = parameters[piece.index].grad
            whole = gradient is None or gradient.shape == piece.tensor.shape
            piece.tensor.grad = gradient if whole else gradient[piece.rows]  # type: ignore[index]  # None is whole
        self.optimizer.step()

    def hand_over(self, place: int) -> None:
        """Give a lane's own optimizer a copy of its state."""
        fit = self.lanes[place - self.first].fit
        for piece in self.pieces:
            if isinstance(piece.rows, slice) or piece.rows == place:
                state = self.optimizer.state.get(piece.tensor, {})
                own = {name: piece.of(place, each) for name, each in state.items() if each is not None}
                fit.optimizer.state[fit.parameters[piece.index]] = own


class LaneOptimizers:
    """Updates the stacked parameters as each lane's own optimizer would; lanes of one setting must be neighbours."""

    def __init__(self, lanes: Sequence[Lane], parameters: Sequence[nn.Parameter]) -> None:
        self._parameters = parameters
        self._groups: list[_Group] = []
        first = 0
        for _, grouped in groupby(lanes, key=lambda lane: lane.settings):
            members = list(grouped)
            self._groups.append(_group(members, parameters, first=first))
            first += len(members)

    def step(self) -> None:
        """Update all lanes with the gradients of the stacked parameters."""
        for group in self._groups:
            group.step(self._parameters)

    def hand_over(self, places: Collection[int]) -> None:
        """Give the own optimizers of these lanes copies of their states."""
        for group in self._groups:
            for place in range(group.first, group.first + len(group.lanes)):
                if place in places:
                    group.hand_over(place)


def _group(lanes: Sequence[Lane], parameters: Sequence[nn.Parameter], *, first: int) -> _Group:
    pieces = [
        piece
        for index, stacked in enumerate(parameters)
        for piece in _pieces(index, stacked, rows=slice(first, first + len(lanes)))
    ]
    optimizer = build_optimizer(lanes[0].fit.experiment.optimizer, [piece.tensor for piece in pieces])
    for piece in pieces:
        own = lanes if isinstance(piece.rows, slice) else [lanes[piece.rows - first]]
        states = [lane.fit.optimizer.state.get(lane.fit.parameters[piece.index], {}) for lane in own]
        known = [name for name, each in states[0].items() if each is not None]
        if known:
            optimizer.state[piece.tensor] = {name: _joined([each[name] for each in states], piece) for name in known}
    return _Group(first, lanes, pieces, optimizer)


def _pieces(index: int, stacked: nn.Parameter, *, rows: slice) -> list[_Piece]:
    if stacked[0].numel() % WHOLE == 0:
        return [_Piece(index, rows, nn.Parameter(stacked.data[rows]))]
    return [_Piece(index, row, nn.Parameter(stacked.data[row])) for row in range(rows.start, rows.stop)]


def _joined(states: Sequence[Tensor], piece: _Piece) -> Tensor:
    """The state of several lanes, or of one; a number of steps is that of all."""
    if isinstance(piece.rows, slice) and states[0].shape == piece.tensor.shape[1:]:
        return torch.stack(list(states))
    return states[0].clone()
