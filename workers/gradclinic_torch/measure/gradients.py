"""The gradients of another program's training: their norms, and the factor of a scaler."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, nn

from ..model.placement import is_split, plain
from .reductions import norms_of, sent

KIND = attrgetter("dtype", "layout")


class Gradients:
    """The gradients of all parameters of a model and of its optimizer."""

    def __init__(self, parameters: Sequence[nn.Parameter], optimizer: torch.optim.Optimizer, *, scaler: Any) -> None:
        self._parameters, self._optimizer, self._scaler = parameters, optimizer, scaler

    def norms(self) -> Tensor:
        """[parameters]: L2 norm of each one's gradient, 0 if it has none or is sharded over several processes."""
        whole = [each.grad for each in self._parameters if type(each.grad) is Tensor]
        if len(whole) == len(self._parameters) and set(map(KIND, whole)) == {(torch.float32, torch.strided)}:
            return norms_of(whole)
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
            norms[sent(tuple(index for index, _ in known), torch.long, norms.device)] = found
        return norms

    @property
    def scale(self) -> float:
        """The factor by which the scaler multiplies the loss; 1 without a scaler."""
        return float(self._scaler.get_scale()) if self._scaler is not None and self._scaler.is_enabled() else 1.0

    @property
    def weights_scale(self) -> float:
        """The factor by which the weights' gradients are currently multiplied."""
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
