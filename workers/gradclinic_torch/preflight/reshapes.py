"""Finds reshapes in a model where a transpose was meant: the same sizes of axes, in another order."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from gradclinic.measurements.preflight import MixingFacts

_RESHAPES = (Tensor.view, Tensor.reshape, torch.reshape)


class Reshapes(TorchFunctionMode):
    """Sees the reshapes that the model's own code asks for while it is called, not those inside of torch's layers."""

    def __init__(self) -> None:
        super().__init__()
        self.shape: tuple[int, ...] = ()
        """What the first of them made; empty if there is none."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        made = function(*args, **(kwargs or {}))
        if function in _RESHAPES and isinstance(made, Tensor) and isinstance(args[0], Tensor) and not self.shape:
            before, after = ([size for size in each.shape if size != 1] for each in (args[0], made))
            if before != after and sorted(before) == sorted(after):
                self.shape = tuple(made.shape)
        return made

    def facts(self, samples: int) -> MixingFacts:
        """The facts where no sample changes the output of another one."""
        return MixingFacts(samples=samples, influence=0.0, reshaped=self.shape)
