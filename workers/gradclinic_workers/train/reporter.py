"""Who a training reports to, and by whom it can be stopped."""

from collections.abc import Mapping
from typing import Protocol

from gradclinic.diagnosis.finding import Finding
from gradclinic.measurements.record import RunRecord, Series


class Reporter(Protocol):
    """Who is told how the training goes; its methods are called between steps, never inside one."""

    def started(self, record: RunRecord) -> None:
        """Sites and weights are known; nothing is recorded yet."""

    def should_stop(self) -> bool:
        """Whether to stop before the next step; asked before each, so it must not wait for anything."""

    def checkpoint_due(self) -> bool:
        """Whether the next flush should carry a checkpoint."""

    def flushed(self, *, step: int, series: Mapping[str, Series], checkpoint: bytes | None) -> None:
        """What was recorded since the last flush, up to `step` finished steps."""

    def decided(self, record: RunRecord) -> Finding | None:
        """The finding that ends the run early; asked only where the experiment has a `stop_when`.

        `record` holds what this attempt recorded; who keeps earlier attempts judges them together.
        """


class Interrupted(Exception):  # not an error: the reporter asked for it
    """Training stopped because the reporter said so; what was recorded is flushed, with a checkpoint."""

    def __init__(self, step: int) -> None:
        super().__init__(f"interrupted after {step} steps")
        self.step = step


class Silent:
    """A reporter that nobody listens to, and that never stops a run."""

    def started(self, record: RunRecord) -> None: ...

    def should_stop(self) -> bool:
        return False

    def checkpoint_due(self) -> bool:
        return False

    def flushed(self, *, step: int, series: Mapping[str, Series], checkpoint: bytes | None) -> None: ...

    def decided(self, record: RunRecord) -> Finding | None:
        return None
