"""Steps whose loss and gradient norm have not been read yet, because reading waits for the device."""

from collections.abc import Sequence

import torch
from torch import Tensor


class UnseenSteps:
    """The latest such steps; their numbers are still on the device."""

    def __init__(self) -> None:
        self._steps: list[int] = []
        self._pairs: list[tuple[Tensor, Tensor | None]] = []

    def add(self, step: int, *, loss: Tensor, total_norm: Tensor | None) -> None:
        """Keep a step until the next reading. total_norm: None where it was not taken."""
        self._steps.append(step)
        self._pairs.append((loss, total_norm))

    def take(self) -> list[tuple[int, float, float | None]]:
        """Return step, loss and gradient norm of each, and forget them."""
        numbers = iter(_numbers([each for pair in self._pairs for each in pair if each is not None]))
        taken = [
            (step, next(numbers), None if norm is None else next(numbers))
            for step, (_, norm) in zip(self._steps, self._pairs, strict=True)
        ]
        self._steps, self._pairs = [], []
        return taken


def _numbers(scalars: Sequence[Tensor]) -> list[float]:
    """The values of scalars, read together where reading waits for a device."""
    if all(each.is_cpu for each in scalars):
        return [float(each) for each in scalars]
    device = next(each.device for each in scalars if not each.is_cpu)
    return torch.stack([each.double().to(device) for each in scalars]).tolist()
