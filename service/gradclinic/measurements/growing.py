"""The series of a run that goes on: windows are appended, and reading them copies nothing."""

from collections.abc import Mapping

import numpy as np

from .record import FloatArray, IntArray, Series

_FIRST = 64
"""Rows that a statistic has room for at first; the room doubles where it is too small."""


class GrowingSeries:
    """What a run has recorded so far, by statistic."""

    def __init__(self, start: Mapping[str, Series] | None = None) -> None:
        self._statistics: dict[str, _Rows] = {}
        self.append(start or {})

    def append(self, window: Mapping[str, Series]) -> None:
        """Add what was recorded since the last window."""
        for name, series in window.items():
            rows = self._statistics.get(name)
            if rows is None:
                rows = self._statistics[name] = _Rows(series.values.shape[1])
            rows.append(series)

    def series(self) -> dict[str, Series]:
        """Everything so far; what is appended later leaves it as it is."""
        return {name: rows.series() for name, rows in self._statistics.items()}


class _Rows:
    """One statistic, in arrays with room for more."""

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
