"""The records of all lanes between two flushes: rows of numbers, each of one lane and one step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gradclinic.measurements.record import Series

from .chosen import Chosen

Floats = npt.NDArray[np.float32]


@dataclass
class _Pending:
    """Rows of one statistic, in the order of their steps."""

    lanes: list[Sequence[int]] = field(default_factory=list)
    steps: list[Sequence[int]] = field(default_factory=list)
    """Of every lane of an ensemble."""
    values: list[Tensor] = field(default_factory=list)

    def put(self, lanes: Sequence[int], steps: Sequence[int], values: Tensor) -> None:
        """Add a row [k] of each of these lanes."""
        self.lanes.append(lanes)
        self.steps.append(steps)
        self.values.append(values)

    def by_lane(self) -> Mapping[int, Series]:
        """The series of each lane."""
        values = torch.cat(self.values).to(torch.float32).numpy()
        if all(own is self.lanes[0] for own in self.lanes):
            return self._of_the_same(self.lanes[0], values)
        lanes = np.concatenate(self.lanes)
        steps = np.concatenate([np.take(steps, own) for own, steps in zip(self.lanes, self.steps, strict=True)])
        order = np.argsort(lanes, kind="stable")
        known, first = np.unique(lanes[order], return_index=True)
        steps, values = steps[order].astype(np.int32), values[order]
        return {
            int(lane): Series(steps[begin:end], values[begin:end])
            for lane, begin, end in zip(known, first, [*first[1:], len(steps)], strict=True)
        }

    def _of_the_same(self, lanes: Sequence[int], values: Floats) -> Mapping[int, Series]:
        """The series of lanes that were recorded together each time."""
        steps = np.array(self.steps, np.int32)[:, lanes].T.copy()
        apart = values.reshape(len(self.values), len(lanes), -1).transpose(1, 0, 2).copy()
        return {lane: Series(*own) for lane, own in zip(lanes, zip(steps, apart, strict=True), strict=True)}


class Rows:
    """The rows of every statistic since the last flush."""

    def __init__(self) -> None:
        self._pending: dict[str, _Pending] = {}

    def put(self, statistic: str, chosen: Chosen, steps: Sequence[int], values: Tensor) -> None:
        """Keep a row [k] of each chosen lane: values is [lanes, k], steps holds the step of every lane."""
        self.put_of(statistic, chosen, steps, chosen.of(values))

    def put_of(self, statistic: str, chosen: Chosen, steps: Sequence[int], values: Tensor) -> None:
        """As `put`, but the values are [chosen lanes, k]."""
        self._pending.setdefault(statistic, _Pending()).put(chosen.places, steps, values)

    def put_one(self, statistic: str, place: int, step: int, values: Tensor) -> None:
        """Keep one lane's row [k]."""
        steps = [step] * (place + 1)
        self._pending.setdefault(statistic, _Pending()).put([place], steps, values.unsqueeze(0))

    @property
    def most_records(self) -> int:
        """Records of the most frequent statistic, whatever their lane."""
        return max((len(pending.values) for pending in self._pending.values()), default=0)

    def take(self, lanes: int) -> list[dict[str, Series]]:
        """The series of each lane; nothing is kept."""
        taken: list[dict[str, Series]] = [{} for _ in range(lanes)]
        for statistic, pending in self._pending.items():
            for lane, series in pending.by_lane().items():
                taken[lane][statistic] = series
        self._pending = {}
        return taken
