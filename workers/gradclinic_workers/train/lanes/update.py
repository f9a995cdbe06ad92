"""The optimizers of all lanes: one for the lanes whose updates follow the same declaration."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn

from ..build import build_optimizer
from .kernels import Update, update_of
from .lane import Lane
from .parameters import LaneParameters, Slot

State = Mapping[str, Tensor]


@dataclass
class _Group:
    """Neighbouring lanes with the same settings."""

    first: int
    lanes: Sequence[Lane]
    slots: Sequence[Slot]
    whole: nn.Parameter | None
    """The rows of the lanes; None if no parameter is whole."""
    rest: Sequence[Mapping[int, nn.Parameter]]
    """Of each lane: the other parameters, by their places."""
    optimizer: torch.optim.Optimizer
    update: Update | None = None

    def step(self) -> float:
        """Update the lanes with the gradients that backward left; the learning rate."""
        rate = self.lanes[0].learning_rate
        if self.update is None:
            for settings in self.optimizer.param_groups:
                settings["lr"] = rate
            self.optimizer.step()
            self.update = update_of(self.optimizer)
        else:
            self.update(rate)
        return rate

    def hand_over(self, place: int) -> None:
        """Give a lane's own optimizer a copy of its state."""
        row = place - self.first
        fit = self.lanes[row].fit
        for index, slot in enumerate(self.slots):
            fit.optimizer.state[fit.parameters[index]] = self._state_of(row, index, slot)

    def _state_of(self, row: int, index: int, slot: Slot) -> dict[str, Tensor]:
        tensor = self.whole if slot.is_whole else self.rest[row][index]
        assert tensor is not None  # noqa: S101  # there is one if a slot is whole
        state: State = self.optimizer.state.get(tensor, {})
        known = {name: each for name, each in state.items() if each is not None}
        if not slot.is_whole:
            return {name: each.clone() for name, each in known.items()}
        # A number of steps belongs to all lanes.
        return {
            name: (slot.of(each[row]) if each.shape == tensor.shape else each).clone() for name, each in known.items()
        }


class LaneOptimizers:
    """Updates the stacked parameters as each lane's own optimizer would; lanes of one setting must be neighbours."""

    def __init__(self, lanes: Sequence[Lane], parameters: LaneParameters) -> None:
        self._groups: list[_Group] = []
        self.learning_rates: Sequence[float] = ()
        """That of each lane's last step."""
        first = 0
        for _, grouped in groupby(lanes, key=lambda lane: lane.settings):
            members = list(grouped)
            self._groups.append(_group(members, parameters, first=first))
            first += len(members)

    def step(self) -> None:
        """Update all lanes with the gradients that backward left."""
        self.learning_rates = [rate for group in self._groups for rate in [group.step()] * len(group.lanes)]

    def hand_over(self, places: Collection[int]) -> None:
        """Give the own optimizers of these lanes copies of their states."""
        for group in self._groups:
            for place in range(group.first, group.first + len(group.lanes)):
                if place in places:
                    group.hand_over(place)


def _group(lanes: Sequence[Lane], parameters: LaneParameters, *, first: int) -> _Group:
    rows, slots = range(first, first + len(lanes)), parameters.slots
    whole = None
    if any(slot.is_whole for slot in slots):
        members = slice(rows.start, rows.stop)
        whole = _updated(parameters.whole[members], parameters.whole_gradients[members])
    rest = [
        {
            index: _updated(slot.of(parameters.rest[row]), slot.of(parameters.rest_gradients[row]))
            for index, slot in enumerate(slots)
            if not slot.is_whole
        }
        for row in rows
    ]
    tensors = [*([] if whole is None else [whole]), *(each for of_lane in rest for each in of_lane.values())]
    optimizer = build_optimizer(lanes[0].fit.experiment.optimizer, tensors)
    states = [_states_of(lane) for lane in lanes]
    if whole is not None:
        chosen = [index for index, slot in enumerate(slots) if slot.is_whole]
        _resume(optimizer, whole, _joined([[of_lane[index] for index in chosen] for of_lane in states], slots, chosen))
    for of_lane, tensors_of_lane in zip(states, rest, strict=True):
        for index, tensor in tensors_of_lane.items():
            _resume(optimizer, tensor, {name: each.clone() for name, each in of_lane[index].items()})
    return _Group(first, lanes, slots, whole, rest, optimizer)


def _updated(value: Tensor, gradient: Tensor) -> nn.Parameter:
    parameter = nn.Parameter(value)
    parameter.grad = gradient
    return parameter


def _resume(optimizer: torch.optim.Optimizer, tensor: nn.Parameter, state: State) -> None:
    if state:
        optimizer.state[tensor] = dict(state)


def _states_of(lane: Lane) -> list[dict[str, Tensor]]:
    """What the lane's own optimizer keeps of each trained parameter."""
    states = [lane.fit.optimizer.state.get(parameter, {}) for parameter in lane.fit.parameters]
    return [{name: each for name, each in state.items() if each is not None} for state in states]


def _joined(states: Sequence[Sequence[State]], slots: Sequence[Slot], chosen: Sequence[int]) -> State:
    """The state of several lanes' rows, from those of the chosen parameters; a number of steps is that of all."""
    first = states[0][0]
    joined = {}
    for name, each in first.items():
        if each.shape == slots[chosen[0]].shape:
            joined[name] = torch.stack([torch.cat([state[name].flatten() for state in lane]) for lane in states])
        else:
            joined[name] = each.clone()
    return joined
