"""The batches of all lanes, drawn for several steps at once from each lane's own generator."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..device import drawn_batch
from .lane import Lane

AHEAD = 16
"""Steps drawn at once."""


class LaneBatches:
    """The samples of the next steps.

    A generator draws the same numbers for several steps at once as for one after the other.
    """

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._generators = [lane.fit.batches for lane in lanes]
        self._samples = [len(lane.fit.objective.inputs) for lane in lanes]
        self._size = lanes[0].fit.experiment.training.batch_size
        self._before: list[Tensor] = []
        """The generators' states before what was drawn ahead."""
        self._drawn, self._used = torch.empty(0), AHEAD

    def next(self) -> Tensor:
        """[lanes, batch]: places in the training set of each lane."""
        if self._used == AHEAD:
            self._before = [generator.get_state() for generator in self._generators]
            self._drawn = torch.stack([self._draw(lane, AHEAD) for lane in range(len(self._samples))], dim=1)
            self._used = 0
        self._used += 1
        return self._drawn[self._used - 1]

    def hand_over(self) -> None:
        """Leave each generator as it is after the last step's batch."""
        if self._used == AHEAD:
            return
        for lane, (generator, state) in enumerate(zip(self._generators, self._before, strict=True)):
            generator.set_state(state)
            self._draw(lane, self._used)
        self._used = AHEAD

    def _draw(self, lane: int, steps: int) -> Tensor:
        """[steps, batch]"""
        drawn = drawn_batch(
            self._samples[lane], steps * self._size, generator=self._generators[lane], device=torch.device("cpu")
        )
        return drawn.view(steps, self._size)
