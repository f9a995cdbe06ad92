"""The gradient of the previous step, kept if the next step is compared with it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .reductions import cosine
from .step_statistics import gradient_of


class PreviousGradient:
    """One flat gradient of all recorded weights, or None."""

    def __init__(self, weights: Sequence[nn.Parameter]) -> None:
        self._weights = weights
        self.flat: Tensor | None = None
        self._before: Tensor | None = None

    def compare(self, *, wanted: bool, keep: bool) -> Tensor | None:
        """The cosine of the weights' gradient now with the one kept, a scalar; None if not wanted, or without one.

        keep: whether the next step is compared with this one.
        """
        self._before, before = self.flat, self.flat if wanted else None
        self.flat = None
        if not self._weights or (before is None and not keep):
            return None
        now = [gradient_of(weight) for weight in self._weights]
        self.flat = torch.cat([gradient.flatten() for gradient in now]) if keep else None
        return None if before is None else cosine(now, before)

    def take_back(self) -> None:
        """Forget the last comparison, because the step is repeated or was not taken."""
        self.flat = self._before
