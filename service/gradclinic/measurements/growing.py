"""The series of a running run: windows are appended, and reading does not copy."""

from collections.abc import Mapping

import numpy as np

from .record import FloatArray, IntArray, Series

_FIRST = 64
"""Initial capacity of a statistic in rows; it doubles when full."""


class GrowingSeries:
    """Everything a run has recorded so far, by statistic."""

    def __init__(self, start: Mapping[str, Series] | None = None) -> None:
        self._statistics: dict[str, _Rows] = {}
        self.append(start or {})

    def append(self, window: Mapping[str, Series]) -> None:
        """Append the statistics recorded since the last window."""
        for name, series in window.items():
            rows = self._statistics.get(name)
            if rows is None:
                rows = self._statistics[name] = _Rows(series.values.shape[1])
            rows.append(series)

    def series(self) -> dict[str, Series]:
        """A snapshot of everything so far; later appends do not change it."""
        return {name: rows.series() for name, rows in self._statistics.items()}


class _Rows:
    """One statistic, in arrays with spare capacity."""

    def __init__(self, places: int) -> None:
        self._count = 0
        self._steps: IntArray = np.empty(_FIRST, np.int32)
        self._values: FloatArray = np.empty((_FIRST, places), np.float32)

    def append(self, series: Series) -> None:
        end = self._count + len(series)
        if end > len(self._steps):
            room = max(end, 2 * len(self._steps))
            steps, values = np.empty(room, np.int32), np.empty((room, self._values.shape[1]), np.float32)
            steps[: self._count], values[: self._count] = self._steps[: self._count], self._values[: self._count]
            self._steps, self._values = steps, values
        self._steps[self._count : end], self._values[self._count : end] = series.steps, series.values
        self._count = end

    def series(self) -> Series:
        return Series(self._steps[: self._count], self._values[: self._count])
