"""Modules that show their internal values to an observer."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping

from torch import Tensor, nn

Tap = Callable[[str, Tensor], None]
"""Called with a node's name and its output; it observes, and never changes anything."""


class Tapped(nn.Module, ABC):
    """A module with internal values to show; its forward takes the tap as a second argument."""

    @abstractmethod
    def forward(self, inputs: Tensor, tap: Tap | None = None) -> Tensor:
        """Compute the output, and show internal values to the tap."""


class Sequence(Tapped):
    """Named modules, one after the other."""

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.names = tuple(modules)
        self.steps = nn.ModuleList(modules.values())

    def forward(self, inputs: Tensor, tap: Tap | None = None) -> Tensor:
        """Pass the inputs through every module; show each output under its name."""
        for name, module in zip(self.names, self.steps, strict=True):
            inputs = module(inputs, tap) if isinstance(module, Tapped) else module(inputs)
            if tap is not None:
                tap(name, inputs)
        return inputs

    def named(self) -> Iterator[tuple[str, nn.Module]]:
        """Every module under its node's name, those inside residual bodies included."""
        for name, module in zip(self.names, self.steps, strict=True):
            yield name, module
            for inner in module.children():
                if isinstance(inner, Sequence):
                    yield from inner.named()
