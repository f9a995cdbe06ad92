"""Records that are kept on the device until the window is flushed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from gradclinic.measurements.record import Series
from gradclinic.measurements.statistics import STATISTICS


@dataclass
class _Pending:
    """Records of one statistic that wait for the flush: host steps, device vectors."""

    steps: list[int] = field(default_factory=list)
    vectors: list[Tensor | float] = field(default_factory=list)

    def series(self, columns: Tensor | None) -> Series:
        """All records; only these columns, 0 where there is none, if the vectors have a value per parameter."""
        tensors = [each for each in self.vectors if isinstance(each, Tensor)]
        rows = torch.stack(tensors) if tensors else torch.tensor(self.vectors, dtype=torch.float64)
        rows = rows.reshape(len(self.steps), -1)
        if columns is not None:
            rows = torch.cat([rows, rows.new_zeros(len(rows), 1)], dim=1)[:, columns]
        return Series(np.asarray(self.steps, np.int32), rows.to("cpu", torch.float32).numpy())


class SeriesBuffer:
    """The series of every statistic since the last flush."""

    def __init__(self, columns: Mapping[str, Tensor] | None = None) -> None:
        """The columns of statistics whose vectors are given with a value per trained parameter."""
        self._columns = columns or {}
        self._pending: dict[str, _Pending] = {}
        self._adopted: dict[str, Series] = {}
        self.last_flushed = -1
        """The last recorded step that was flushed."""
        self.most_records = 0
        """Records of the most frequent statistic that wait for a flush."""

    def put(self, statistic: str, step: int, vector: Tensor | float) -> None:
        """Keep one record: a vector, a scalar on the device, or a number that the host knows."""
        pending = self._pending.get(statistic)
        if pending is None:
            assert statistic in STATISTICS, statistic  # noqa: S101  # a typo here would be our own
            pending = self._pending[statistic] = _Pending()
        pending.steps.append(step)
        pending.vectors.append(vector)
        self.most_records = max(self.most_records, len(pending.steps))

    def adopt(self, series: Mapping[str, Series]) -> None:
        """Keep what was recorded elsewhere since the last flush; it precedes what is kept from now on."""
        for name, each in series.items():
            self._adopted[name] = _joined(self._adopted.get(name), each)

    def drop_after(self, step: int) -> None:
        """Forget the records of the steps that follow this one."""
        for pending in self._pending.values():
            keep = sum(recorded <= step for recorded in pending.steps)
            del pending.steps[keep:], pending.vectors[keep:]
        self.most_records = max((len(pending.steps) for pending in self._pending.values()), default=0)

    @property
    def last_step(self) -> int:
        """The last step whose loss is recorded, flushed or not; -1 without one."""
        pending = self._pending.get("train_loss")
        if pending and pending.steps:
            return pending.steps[-1]
        adopted = self._adopted.get("train_loss")
        return self.last_flushed if adopted is None else int(adopted.steps[-1])

    def flush(self) -> dict[str, Series]:
        """Everything recorded since the last flush; this is the only place that waits for the device."""
        self.last_flushed = self.last_step
        series = self._adopted
        for name, pending in self._pending.items():
            if pending.steps:
                series[name] = _joined(series.get(name), pending.series(self._columns.get(name)))
        self._pending, self._adopted, self.most_records = {}, {}, 0
        return series


def _joined(earlier: Series | None, later: Series) -> Series:
    if earlier is None:
        return later
    return Series(np.concatenate([earlier.steps, later.steps]), np.concatenate([earlier.values, later.values]))
