"""Measures how far the weights are from their start, and how far a step moves them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..model.placement import plain
from .reductions import norms_and_distances
from .step_statistics import Named


class WeightMotion:
    """The recorded weights, with copies from the start and from before the current step."""

    def __init__(self, weights: Sequence[nn.Parameter]) -> None:
        self._weights = weights
        self.start = [plain(weight).clone() for weight in weights]
        """The weights at the start."""
        self._before: list[Tensor] = []
        self._norms = torch.zeros(0)

    def norms(self) -> Named:
        """The weights' L2 norms, and those of their differences from the start."""
        if not self._weights:
            return {}
        weights = [plain(weight) for weight in self._weights]
        self._norms, distances = norms_and_distances(weights, self.start)
        return {"weight_norm_l2": self._norms, "distance_from_start": distances}

    def before_step(self) -> None:
        """Keep a copy of the weights until the step is taken."""
        weights = [plain(weight) for weight in self._weights]
        if not self._before:
            self._before = [torch.empty_like(weight) for weight in weights]
        torch._foreach_copy_(self._before, weights)

    def after_step(self) -> Named:
        """The L2 norm of the change by the step, divided by the last result of `norms`."""
        if not self._weights:
            return {}
        _, moved = norms_and_distances([plain(weight) for weight in self._weights], self._before)
        return {"update_to_weight_ratio": moved / self._norms}
