"""Studies, whose status is derived from their runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ...kernel.json import JsonObject
from ...kernel.status import StudyStatus
from .progress import Progress


@dataclass(frozen=True, kw_only=True)
class NewStudy:
    """A study to be stored together with all its runs."""

    experiment: JsonObject
    arms: Sequence[JsonObject]
    """The arms in order, including the baseline: {"name", "remedies"} or {"name", "experiment"}."""
    seeds: Sequence[int]
    sweep: Sequence[JsonObject] = ()
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None
    recorded_runs: int | None = None
    """The number of runs that an external program records into it; None if workers train its runs."""


@dataclass(frozen=True, kw_only=True)
class Study(NewStudy):
    """A stored study, with the status derived from its runs."""

    id: str
    notes: str | None
    """What people wrote about it."""
    cancel_requested: bool
    created_at: datetime
    ended_at: datetime | None
    """When its last run ended; None while a run is unfinished."""
    progress: Progress
    """Runs that the external program has not begun count as queued."""

    @property
    def status(self) -> StudyStatus:
        """Running until all runs have ended; then succeeded if any succeeded, canceled if cancelled, or failed."""
        if self.progress.unfinished:
            return "running"
        if self.progress.by_status.get("succeeded"):
            return "succeeded"
        return "canceled" if self.cancel_requested or self.progress.by_status.get("canceled") else "failed"
