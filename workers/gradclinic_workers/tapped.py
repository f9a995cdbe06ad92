"""How an observer sees what happens inside a module."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor, nn

Tap = Callable[[str, Tensor], None]
"""Called with a node's name and its output; it looks, and never changes anything."""


class Tapped(nn.Module, ABC):
    """A module with places of its own to show: its forward takes the tap as a second argument."""

    @abstractmethod
    def forward(self, inputs: Tensor, tap: Tap | None = None) -> Tensor:
        """Compute the output, and show what is inside to the tap."""
