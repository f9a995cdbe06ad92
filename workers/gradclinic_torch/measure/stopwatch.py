"""Measures the time of a training, and of its recording."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


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

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Count the time of the block as recording."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.recording_s += time.perf_counter() - began
