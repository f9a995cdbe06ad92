"""Over how many values batch norms take their statistics."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from gradclinic.measurements.preflight import NormFacts

from ..model.quiet import Harmless

BATCH_NORM = nn.modules.batchnorm._BatchNorm


class NormValues:
    """Watches the batch norms of a model in training."""

    def __init__(self, model: nn.Module) -> None:
        self.facts: NormFacts | None = None
        """Of the batch norm with the fewest values; None before one has run."""
        self._least_momentum = _least_momentum(model)
        norms = [(name, module) for name, module in model.named_modules() if isinstance(module, BATCH_NORM)]
        self._layers = len(norms)
        self._handles: list[RemovableHandle] = [
            module.register_forward_pre_hook(Harmless(self._seer(name))) for name, module in norms
        ]

    def close(self) -> None:
        """Remove all hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _seer(self, name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def see(module: nn.Module, args: tuple[Any, ...]) -> None:
            if module.training and args and isinstance(args[0], Tensor) and args[0].ndim > 1:
                values = args[0].numel() // max(1, args[0].shape[1])
                if self.facts is None or values < self.facts.values:
                    self.facts = NormFacts(
                        layer=name, values=values, least_momentum=self._least_momentum, layers=self._layers
                    )

        return see


def _least_momentum(model: nn.Module) -> float | None:
    """The least momentum of the running statistics of any batch norm that has seen no batch; None without one."""
    norms = [module for module in model.modules() if isinstance(module, BATCH_NORM)]
    begin = [each for each in norms if each.num_batches_tracked is not None and not bool(each.num_batches_tracked)]
    return min((float(each.momentum) for each in begin if each.momentum is not None), default=None)
