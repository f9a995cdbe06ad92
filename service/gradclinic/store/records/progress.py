"""Progress of a group of runs: those of a study, a prescription or a check."""

from collections.abc import Mapping
from dataclasses import dataclass

from ...kernel.status import RunStatus


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Number of runs by status, and their total steps."""

    runs: int
    by_status: Mapping[RunStatus, int]
    steps_done: int
    steps: int

    @property
    def unfinished(self) -> int:
        """Runs that are queued or running."""
        return self.by_status.get("queued", 0) + self.by_status.get("running", 0)
