"""Measures the time of a training, and of its recording."""

import time


class Stopwatch:
    """Seconds by the host's clock."""

    def __init__(self) -> None:
        self.recording_s = 0.0
        """Seconds spent on recording."""
        self._began: float | None = None
        self._last = 0.0

    def begin(self) -> None:
        """The first step has started."""
        self._began = self._began or time.perf_counter()

    def step_done(self) -> None:
        """A step has ended."""
        self._last = time.perf_counter()

    @property
    def training_s(self) -> float:
        """From the first step's gradients to the end of the last step, without recording."""
        return max(0.0, self._last - self._began - self.recording_s) if self._began is not None else 0.0

    def recording(self) -> "Recorded":
        """A block whose time counts as recording."""
        return Recorded(self)


class Recorded:
    """A block of the recorder's own. It runs several times a step, so that it does no more than it must."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        self._stopwatch = stopwatch

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._stopwatch.recording_s += time.perf_counter() - self._began
