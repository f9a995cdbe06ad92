"""Some of the lanes: those that record a step, or that clip."""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor


class Chosen:
    """The places of some lanes in an ensemble of `lanes`, in rising order."""

    def __init__(self, places: Sequence[int], *, lanes: int) -> None:
        self.places, self._all = places, len(places) == lanes

    def __bool__(self) -> bool:
        return len(self.places) > 0

    def of(self, stacked: Tensor) -> Tensor:
        """Their rows of [lanes, ...]."""
        return stacked if self._all else stacked.index_select(0, self._index)

    def copied(self, stacked: Tensor) -> Tensor:
        """A copy of their rows of [lanes, ...]."""
        return stacked.clone() if self._all else self.of(stacked)

    @cached_property
    def _index(self) -> Tensor:
        return torch.tensor(self.places, dtype=torch.int64)
