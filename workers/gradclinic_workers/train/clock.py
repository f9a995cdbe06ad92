"""Measures what a run's steps and their recording take on its device, without waiting for the device.

A GPU computes later than the host asks it to. The host's clock would so count recording where the next wait happens to
be. Events mark the times on the GPU instead; they are read at a flush, which waits anyway.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch

from .progress import Progress


class Times(Protocol):
    """Where the times of a device come from."""

    def mark(self) -> Any:
        """The present point of the device's work."""

    def between(self, begin: Any, end: Any) -> float:
        """Seconds between two points; waits until the second is reached."""


class HostTimes:
    """Times of a device that has done what it was asked when a call returns."""

    def mark(self) -> float:
        """Seconds of the host's clock."""
        return time.perf_counter()

    def between(self, begin: float, end: float) -> float:
        """Seconds between two points."""
        return end - begin


class GpuTimes:
    """Times of a CUDA stream."""

    def mark(self) -> torch.cuda.Event:
        """An event behind all work that was asked for so far."""
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # missing in torch's annotations
        event.record()
        return event

    def between(self, begin: torch.cuda.Event, end: torch.cuda.Event) -> float:
        """Seconds between two events; waits for the second."""
        end.synchronize()
        return float(begin.elapsed_time(end)) / 1000.0


class Clock:
    """Times a run's steps, and its recording, within steps and besides."""

    def __init__(self, times: Times) -> None:
        self._times = times
        self._steps: list[tuple[Any, Any]] = []
        self._recordings: list[tuple[Any, Any, bool]] = []
        self._in_step = False
        self._kept = 0, 0

    @contextmanager
    def step(self) -> Iterator[None]:
        """Count the block as a step."""
        begin, self._in_step = self._times.mark(), True
        try:
            yield
        finally:
            self._in_step = False
            self._steps.append((begin, self._times.mark()))

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Count the block as recording, and not as training, if it is within a step."""
        begin = self._times.mark()
        try:
            yield
        finally:
            self._recordings.append((begin, self._times.mark(), self._in_step))

    def keep(self) -> None:
        """Remember what was measured so far, to return to it."""
        self._kept = len(self._steps), len(self._recordings)

    def go_back(self) -> None:
        """Forget what was measured since it was last told to keep."""
        steps, recordings = self._kept
        del self._steps[steps:], self._recordings[recordings:]

    def read(self, into: Progress) -> None:
        """Add what was measured since the last reading. Waits for the device."""
        seconds = [(self._times.between(begin, end), in_step) for begin, end, in_step in self._recordings]
        into.recording_seconds += sum(taken for taken, _ in seconds)
        into.train_seconds += sum(self._times.between(*each) for each in self._steps)
        into.train_seconds -= sum(taken for taken, in_step in seconds if in_step)
        self._steps, self._recordings, self._kept = [], [], (0, 0)


def clock_of(device: torch.device) -> Clock:
    """The clock of a device."""
    return Clock(GpuTimes() if device.type == "cuda" else HostTimes())
