"""What operators watch: counts of runs, checks and workers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Vitals:
    """What whoever operates the service watches."""

    runs: Mapping[tuple[str, str], int]
    """Number of runs by status and reason's code."""
    transitions: Mapping[tuple[str, str], int]
    """How often runs changed to a status, by reason's code: lost leases are ("queued", "lease_expired")."""
    oldest_queued_s: Mapping[str, float]
    """Age in seconds of the run that has waited longest, by queue."""
    overdue: int
    """Running runs whose lease ran out, and that no reconciler has taken back yet."""
    workers: Mapping[str, int]
    """Workers seen lately, by device."""
    busy_workers: int
    """Those of them that train."""
    steps_done: int
    """Steps that are stored of all runs together; its growth is the step rate."""
    checks: Mapping[tuple[str, str], int]
    """Number of checks by status and verdict, which is "" where there is none."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker process that has been seen lately."""

    owner: str
    queue: str
    device: str
    run_id: str | None
    started_at: datetime
    seen_at: datetime
