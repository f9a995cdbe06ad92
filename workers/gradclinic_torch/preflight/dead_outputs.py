"""Outputs that a ReLU at the end kept at 0 for every sample of the last calls, although targets need them.

A ReLU that is off for every sample passes no gradient, so such an output never comes back.
"""

from collections.abc import Collection

import torch
from torch import Tensor

ENDS_AT_0: Collection[str] = ("relu", "relu6")
"""Activations whose output is exactly 0 below 0, where they have no slope."""
_WINDOW = 32
"""Number of calls over which an output is to be above 0 once."""
_MOST_COLUMNS = 4096


class DeadOutputs:
    """Follows the outputs of all calls of the loss."""

    def __init__(self) -> None:
        self._calls = 0
        self._off: Tensor | None = None
        """[columns]: whether an output was off in every call of this window so far, and a target needed it."""
        self._last: Tensor | None = None
        """The same of the last full window."""
        self._needed: Tensor | None = None

    @torch.no_grad()
    def saw(self, outputs: Tensor, targets: Tensor) -> None:
        """The loss was called with these, [samples, columns, ...] and their targets or class numbers."""
        columns = outputs.shape[1] if outputs.ndim > 1 else 1
        if columns > _MOST_COLUMNS or not outputs.numel():
            return
        alive, needed = _by_column(outputs > 0, columns), _needed(outputs, targets, columns)
        if self._off is None or self._needed is None or self._calls % _WINDOW == 0:
            if self._off is not None and self._needed is not None:
                self._last = self._off & self._needed
            self._off, self._needed = ~alive, needed
        else:
            self._off, self._needed = self._off & ~alive, self._needed | needed
        self._calls += 1

    @property
    def count(self) -> int:
        """Number of outputs that were off for all samples of the last full window of calls."""
        return 0 if self._last is None else int(self._last.sum())


def _by_column(flags: Tensor, columns: int) -> Tensor:
    """[columns]: whether any entry of a column is set."""
    return flags.movedim(1, -1).reshape(-1, columns).any(0) if flags.ndim > 1 else flags.any().reshape(1)


def _needed(outputs: Tensor, targets: Tensor, columns: int) -> Tensor:
    """[columns]: whether a target is above 0, or is the number of this class."""
    if outputs.shape == targets.shape:
        return _by_column(targets > 0, columns)
    needed = torch.zeros(columns, dtype=torch.bool, device=outputs.device)
    if not targets.is_floating_point() and targets.ndim < outputs.ndim:
        flat = targets.flatten()
        needed[flat[(flat >= 0) & (flat < columns)]] = True
    return needed
