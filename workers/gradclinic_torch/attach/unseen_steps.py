"""Steps whose loss and gradient norm have not been read yet, because reading waits for the device."""

import torch
from torch import Tensor


class UnseenSteps:
    """The latest such steps; their numbers are still on the device."""

    def __init__(self) -> None:
        self._steps: list[int] = []
        self._pairs: list[tuple[Tensor, Tensor]] = []

    def add(self, step: int, *, loss: Tensor, total_norm: Tensor) -> None:
        """Keep a step until the next reading."""
        self._steps.append(step)
        self._pairs.append((loss, total_norm))

    def take(self) -> list[tuple[int, float, float]]:
        """Return step, loss and gradient norm of each, and forget them."""
        if all(loss.is_cpu and norm.is_cpu for loss, norm in self._pairs):
            shown = [[float(loss), float(norm)] for loss, norm in self._pairs]
        else:
            shown = torch.stack([torch.stack([loss, norm.to(loss.device)]) for loss, norm in self._pairs]).tolist()
        taken = [(step, loss, norm) for step, (loss, norm) in zip(self._steps, shown, strict=True)]
        self._steps, self._pairs = [], []
        return taken
