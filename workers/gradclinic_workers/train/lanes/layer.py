"""A layer of every lane: every tensor has one more axis, the first, which counts the lanes.

Each layer has its own backward pass, in the operations that autograd would use. With small tensors, autograd's own work
around them takes longer than the arithmetic.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from gradclinic_torch.model.tapped import Tap

from .chosen import Chosen
from .parameters import LaneParameter, LaneParameters


class Pass(NamedTuple):
    """What a forward pass is for."""

    trains: bool
    """Whether a backward pass follows; if not, running statistics are left as they are."""
    tap: Tap | None = None
    """Is shown the output of each layer, [lanes, batch, ...], which then remains as it is."""
    lanes: Chosen | None = None
    """Those whose inputs are given; None if all are."""

    def values(self, parameter: LaneParameter) -> Tensor:
        """The parameter of these lanes, [lanes, ...]."""
        return parameter.value if self.lanes is None else self.lanes.of(parameter.value)


class Stack:
    """The modules of one layer, one of each lane."""

    def __init__(self, modules: Sequence[nn.Module], parameters: LaneParameters, noise: Sequence[Generator]) -> None:
        self.modules, self.parameters, self.noise = modules, parameters, noise

    def over(self, modules: Sequence[nn.Module]) -> "Stack":
        """Other modules of the same lanes."""
        return Stack(modules, self.parameters, self.noise)

    @property
    def first(self) -> nn.Module:
        """The first lane's module, for what all lanes have in common."""
        return self.modules[0]

    def parameter(self, name: str) -> LaneParameter:
        """The stacked parameter."""
        return self.parameters.of(self.first.get_parameter(name))

    def optional(self, name: str) -> LaneParameter | None:
        """As `parameter`; None if the layer has no such parameter."""
        return self.parameter(name) if getattr(self.first, name, None) is not None else None

    def buffer(self, name: str) -> Tensor:
        """[lanes, ...]: the stacked buffer; those of the lanes become views of it."""
        stacked = torch.stack([module.get_buffer(name) for module in self.modules])
        for module, lane in zip(self.modules, stacked, strict=True):
            module.register_buffer(name, lane)
        return stacked


class LaneLayer(ABC):
    """A layer of every lane."""

    can_be_overwritten = False
    """Whether an activation may be computed in place of the outputs, because backward does not read them."""
    passes_on = True
    """Whether the gradient of its inputs is wanted."""

    @abstractmethod
    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """[lanes, batch, ...] to [lanes, batch, ...]; keeps what backward needs if the pass trains."""

    @abstractmethod
    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """dL/d(inputs) from dL/d(outputs); writes the gradients of its parameters.

        The tap is shown the gradients of the outputs of all layers inside.
        """

    def inner(self) -> Iterator["LaneLayer"]:
        """The layers inside."""
        return iter(())
