"""Metrics for operators: counts of runs, checks and workers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Vitals:
    """Metrics for operators."""

    runs: Mapping[tuple[str, str], int]
    """Number of runs by status and reason code."""
    transitions: Mapping[tuple[str, str], int]
    """Number of changes to a status, by reason code: lost leases are ("queued", "lease_expired")."""
    oldest_queued_s: Mapping[str, float]
    """Age in seconds of the longest waiting run, by queue."""
    overdue: int
    """Running runs whose lease has expired and that no reconciler has reclaimed yet."""
    workers: Mapping[str, int]
    """Workers seen recently, by device."""
    busy_workers: int
    """Of those, the workers that are training, by device."""
    steps_done: int
    """Total stored steps of all runs; its increase is the step rate."""
    checks: Mapping[tuple[str, str], int]
    """Number of checks by status and verdict ("" if there is none)."""
    alerts_waiting: int
    """Deliveries to webhooks that are still to be made."""
    alerts_lost: int
    """Deliveries that were given up in the last 24 hours."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker process that was seen recently."""

    owner: str
    queue: str
    device: str
    run_id: str | None
    started_at: datetime
    seen_at: datetime
