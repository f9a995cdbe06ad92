"""The gradients of a training that is not ours: their norms, and what a scaler multiplied them by."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .placement import is_split, plain
from .reductions import norms_of


class Gradients:
    """Those of all parameters of a model and of its optimizer."""

    def __init__(self, parameters: Sequence[nn.Parameter], optimizer: torch.optim.Optimizer, *, scaler: Any) -> None:
        self._parameters, self._optimizer, self._scaler = parameters, optimizer, scaler

    def norms(self) -> Tensor:
        """[parameters]: L2 norm of each one's gradient, 0 where it has none or is split over several processes."""
        known = [
            (index, plain(each.grad))
            for index, each in enumerate(self._parameters)
            if each.grad is not None and not is_split(each.grad)
        ]
        norms = torch.zeros(len(self._parameters), dtype=torch.float64, device=self._parameters[0].device)
        if known:
            found = norms_of([each.coalesce().values() if each.is_sparse else each for _, each in known])
            if len(known) == len(norms):
                return found
            norms[torch.tensor([index for index, _ in known], device=norms.device)] = found
        return norms

    @property
    def scale(self) -> float:
        """What the scaler multiplies the loss by; 1 without one."""
        return float(self._scaler.get_scale()) if self._scaler is not None and self._scaler.is_enabled() else 1.0

    @property
    def weights_scale(self) -> float:
        """What the weights' gradients are multiplied by just now."""
        return 1.0 if self._is_unscaled() else self.scale

    @property
    def are_thrown_away(self) -> bool:
        """Whether the gradients of a step are gone: the loop has cleared them, or a scaler has skipped the step."""
        gradients = [each.grad for each in self._parameters if each.grad is not None]
        return not gradients or (self._scaler is not None and not any(bool(plain(each).any()) for each in gradients))

    def _is_unscaled(self) -> bool:
        """Whether the weights' gradients are no longer what the scaler made of the loss."""
        if self._scaler is None or not self._scaler.is_enabled():
            return True
        return bool(self._scaler._per_optimizer_states[id(self._optimizer)]["stage"].name != "READY")
