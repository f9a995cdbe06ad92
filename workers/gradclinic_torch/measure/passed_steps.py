"""The last steps that were not recorded: values that training computed anyway, in case an event needs them."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor


class PassedStep(NamedTuple):
    """A step that the plan does not record."""

    step: int
    loss: Tensor
    total_norm: Tensor
    norms: Tensor


class PassedSteps:
    """The latest such steps, oldest first."""

    def __init__(self, *, most: int) -> None:
        self._steps: deque[PassedStep] = deque(maxlen=most)

    def add(self, passed: PassedStep) -> None:
        """Remember one."""
        self._steps.append(passed)

    def forget_from(self, step: int) -> None:
        """Forget this step and those after it."""
        while self._steps and self._steps[-1].step >= step:
            self._steps.pop()

    def take(self, *, after: int, until: int) -> list[PassedStep]:
        """Those between, without the first step named; all are forgotten."""
        taken = [passed for passed in self._steps if after < passed.step <= until]
        self._steps.clear()
        return taken

    def state(self) -> list[tuple[int, Tensor, Tensor, Tensor]]:
        """The state that a resumed recorder needs."""
        return [(each.step, each.loss, each.total_norm, each.norms) for each in self._steps]

    def resume(self, state: Iterable[tuple[int, Tensor, Tensor, Tensor]], *, device: torch.device) -> None:
        """Continue from a saved state."""
        self._steps.clear()
        for step, loss, total_norm, norms in state:
            self.add(PassedStep(step, loss.to(device), total_norm.to(device), norms.to(device)))
