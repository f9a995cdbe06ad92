"""The records of all lanes between two flushes: rows of numbers, each of one lane and one step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from gradclinic.measurements.record import Series

from .chosen import Chosen


@dataclass
class _Pending:
    """Rows of one statistic, in the order of their steps."""

    lanes: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)

    def by_lane(self) -> Mapping[int, Series]:
        """The series of each lane."""
        lanes, steps = np.asarray(self.lanes), np.asarray(self.steps, np.int32)
        values = torch.cat(self.values).to(torch.float32).numpy()
        order = np.argsort(lanes, kind="stable")
        known, first = np.unique(lanes[order], return_index=True)
        return {
            int(lane): Series(steps[rows], values[rows])
            for lane, rows in zip(known, np.split(order, first[1:]), strict=True)
        }


class Rows:
    """The rows of every statistic since the last flush."""

    def __init__(self) -> None:
        self._pending: dict[str, _Pending] = {}

    def put(self, statistic: str, chosen: Chosen, steps: Sequence[int], values: Tensor) -> None:
        """Keep a row [k] of each chosen lane: values is [lanes, k], steps holds the step of every lane."""
        pending = self._pending.setdefault(statistic, _Pending())
        pending.lanes += chosen.places
        pending.steps += [steps[place] for place in chosen.places]
        pending.values.append(chosen.of(values))

    def put_one(self, statistic: str, place: int, step: int, values: Tensor) -> None:
        """Keep one lane's row [k]."""
        pending = self._pending.setdefault(statistic, _Pending())
        pending.lanes.append(place)
        pending.steps.append(step)
        pending.values.append(values.unsqueeze(0))

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
