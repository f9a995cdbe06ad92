"""The parameters of all lanes and their gradients, each a row of one block for each lane.

    whole    [lanes, entries]   the trained tensors whose entries are a multiple of WHOLE, one beside the other
    rest     [lanes, entries]   the other trained tensors, each filled up to a multiple of WHOLE

A row of `whole` is updated as one tensor, and neighbouring rows with the same settings are, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn

WHOLE = 16
"""Fused kernels compute so many entries at once, and a tensor's last ones by other instructions, which round otherwise.
A multiple of 16 leaves none over, so that lanes can be updated as one tensor, and still as each would be alone."""


class LaneParameter(NamedTuple):
    """A parameter of every lane."""

    value: Tensor
    """[lanes, ...]"""
    gradient: Tensor | None
    """[lanes, ...], written by each backward pass; None if it is not trained."""


@dataclass(frozen=True)
class Slot:
    """Where a trained parameter lies in a row."""

    is_whole: bool
    offset: int
    shape: torch.Size

    def of(self, rows: Tensor) -> Tensor:
        """The parameter in rows [..., entries]: [..., *shape]."""
        return rows[..., self.offset : self.offset + prod(self.shape)].view(*rows.shape[:-1], *self.shape)


class LaneParameters:
    """The stacked parameters of networks that lower to the same nodes; the networks' own become views of them."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        own = [list(network.parameters()) for network in networks]
        lanes, first = len(own), own[0]
        self.slots, sizes = _slots([each.shape for each in first if each.requires_grad])
        """Of the trained parameters, in their order."""
        self.whole, self.rest = (first[0].new_zeros(lanes, size).detach() for size in sizes)
        self.whole_gradients, self.rest_gradients = torch.zeros_like(self.whole), torch.zeros_like(self.rest)
        slots = iter(self.slots)
        self._by_own: dict[int, LaneParameter] = {}
        for column in zip(*own, strict=True):
            stacked = self._placed(next(slots)) if column[0].requires_grad else None
            parameter = stacked or LaneParameter(torch.stack([each.data for each in column]), None)
            for each, lane in zip(column, parameter.value, strict=True):
                lane.copy_(each.data)
                each.data = lane
            self._by_own[id(column[0])] = parameter
        self.trained = [each for each in self._by_own.values() if each.gradient is not None]
        self.gradients = [each.gradient for each in self.trained if each.gradient is not None]
        """[lanes, ...] of each trained parameter."""
        self.gradient_rows = [rows for rows in (self.whole_gradients, self.rest_gradients) if rows.shape[1]]
        """[lanes, entries]: all gradients of each lane, in one block or two; what fills up is 0."""

    def of(self, own: nn.Parameter) -> LaneParameter:
        """The stacked parameter of which this one of the first lane is a part."""
        return self._by_own[id(own)]

    def _placed(self, slot: Slot) -> LaneParameter:
        values, gradients = (self.whole, self.whole_gradients) if slot.is_whole else (self.rest, self.rest_gradients)
        return LaneParameter(slot.of(values), slot.of(gradients))


def _slots(shapes: Sequence[torch.Size]) -> tuple[list[Slot], tuple[int, int]]:
    """A place for each parameter, and the entries of a row of both blocks."""
    slots, whole, rest = [], 0, 0
    for shape in shapes:
        entries = prod(shape)
        if entries % WHOLE == 0:
            slots.append(Slot(is_whole=True, offset=whole, shape=shape))
            whole += entries
        else:
            slots.append(Slot(is_whole=False, offset=rest, shape=shape))
            rest += -(-entries // WHOLE) * WHOLE
    return slots, (whole, rest)
