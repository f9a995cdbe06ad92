"""The gradient of the previous step, kept if the next step is compared with it."""

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor, nn

from .reductions import cosine
from .step_statistics import gradient_of


class PreviousGradient:
    """One flat gradient of all recorded weights, or None."""

    def __init__(self, weights: Sequence[nn.Parameter]) -> None:
        self._weights = weights
        self.flat: Tensor | None = None
        """It is overwritten two steps later."""
        self._before: Tensor | None = None
        self._spare: list[Tensor] = []
        """Up to two vectors that are not in use, because new memory costs more than what is written to it."""

    def compare(self, *, wanted: bool, keep: bool) -> Tensor | None:
        """The cosine of the weights' gradient now with the one kept, a scalar; None if not wanted, or without one.

        keep: whether the next step is compared with this one.
        """
        if self._before is not None and self._before is not self.flat:
            self._spare.append(self._before)
        self._before, self.flat = self.flat, None
        before = self._before if wanted else None
        if not self._weights or (before is None and not keep):
            return None
        now = [gradient_of(weight) for weight in self._weights]
        self.flat = self._empty(now) if keep else None
        if before is not None:
            return cosine(now, before, into=self.flat)
        torch.cat([gradient.flatten() for gradient in now], out=self.flat)
        return None

    def take_back(self) -> None:
        """Forget the last comparison, because the step is repeated or was not taken."""
        if self.flat is not None and self.flat is not self._before:
            self._spare.append(self.flat)
        self.flat = self._before

    def _empty(self, gradients: Sequence[Tensor]) -> Tensor:
        if self._spare:
            return self._spare.pop()
        dtype = reduce(torch.promote_types, (gradient.dtype for gradient in gradients))
        return gradients[0].new_empty(sum(gradient.numel() for gradient in gradients), dtype=dtype)
