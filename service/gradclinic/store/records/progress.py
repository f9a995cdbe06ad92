"""Progress of a group of runs: those of a study, a prescription or a check."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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

    def with_queued(self, more: int) -> "Progress":
        """The progress of a group that also has this many runs that nobody has begun."""
        if more == 0:
            return self
        queued = self.by_status.get("queued", 0) + more
        return replace(self, runs=self.runs + more, by_status={**self.by_status, "queued": queued})
