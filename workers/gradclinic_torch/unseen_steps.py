"""Steps whose loss and gradient norm the host has not looked at yet: a look waits for the device."""

import torch
from torch import Tensor


class UnseenSteps:
    """The latest of them, with their numbers still on the device."""

    def __init__(self) -> None:
        self._steps: list[int] = []
        self._pairs: list[Tensor] = []

    def add(self, step: int, *, loss: Tensor, total_norm: Tensor) -> None:
        """Keep one until the next look."""
        self._steps.append(step)
        self._pairs.append(torch.stack([loss, total_norm.to(loss.device)]))

    def take(self) -> list[tuple[int, float, float]]:
        """Step, loss and gradient norm of each; all are forgotten."""
        shown = torch.stack(self._pairs).tolist() if self._pairs else []
        taken = [(step, loss, norm) for step, (loss, norm) in zip(self._steps, shown, strict=True)]
        self._steps, self._pairs = [], []
        return taken
