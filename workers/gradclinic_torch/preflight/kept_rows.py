"""Keeps the first rows of the tensors of several batches, up to a bound."""

import torch
from torch import Tensor

from .batch_facts import ENTRIES


class KeptRows:
    """The first rows of a tensor, as float64 on the CPU."""

    def __init__(self) -> None:
        self._parts: list[Tensor] = []
        self._entries = 0

    def add(self, rows: Tensor) -> None:
        """Keep what there is room for; rows of another width than the first are left out."""
        room = (ENTRIES - self._entries) // max(1, rows.shape[1])
        if room <= 0 or (self._parts and self._parts[0].shape[1] != rows.shape[1]):
            return
        part = rows[:room].detach().double().cpu()
        self._parts.append(part)
        self._entries += part.numel()

    def rows(self) -> Tensor | None:
        """[rows, columns]; None if nothing was kept."""
        return torch.cat(self._parts) if self._parts else None
