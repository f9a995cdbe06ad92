"""The interface through which training reports its progress and is stopped."""

from collections.abc import Mapping
from typing import Protocol

from gradclinic.diagnosis.finding import Finding
from gradclinic.measurements.record import RunRecord, Series


class Reporter(Protocol):
    """Receives progress reports; its methods are called between steps, never inside one."""

    def started(self, record: RunRecord) -> None:
        """The sites and weights are known; nothing is recorded yet."""

    def should_stop(self) -> bool:
        """Whether to stop before the next step; called before every step, so it must not block."""

    def checkpoint_due(self) -> bool:
        """Whether the next flush should include a checkpoint."""

    def flushed(self, *, step: int, series: Mapping[str, Series], checkpoint: bytes | None) -> None:
        """Receives everything recorded since the last flush, up to `step` finished steps."""

    def decided(self, record: RunRecord) -> Finding | None:
        """The finding that stops the run early; called only if the experiment has `stop_when`.

        `record` holds the data of this attempt; a reporter that keeps earlier attempts evaluates them together.
        """


class Interrupted(Exception):  # not an error: requested by the reporter
    """Training was stopped by the reporter; recorded data is flushed, with a checkpoint."""

    def __init__(self, step: int) -> None:
        super().__init__(f"interrupted after {step} steps")
        self.step = step


class Silent:
    """A reporter that ignores everything and never stops a run."""

    def started(self, record: RunRecord) -> None: ...

    def should_stop(self) -> bool:
        return False

    def checkpoint_due(self) -> bool:
        return False

    def flushed(self, *, step: int, series: Mapping[str, Series], checkpoint: bytes | None) -> None: ...

    def decided(self, record: RunRecord) -> Finding | None:
        return None
