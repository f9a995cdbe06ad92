"""What one project may have at a time."""

from dataclasses import dataclass

from ...kernel.status import Retention


@dataclass(frozen=True, kw_only=True)
class Quota:
    """The limits of every project; 0 is no limit."""

    runs: int = 0
    """Runs that have not ended, recorded ones included."""
    flops: int = 0
    """Floating-point operations of these runs: of a step, times their steps."""
    datasets: int = 0
    dataset_bytes: int = 0
    """Size of all data sets as stored."""
    statistics_bytes: int = 0
    """Size of the statistics of all runs that have ended, as stored, and of recordings."""


@dataclass(frozen=True)
class Usage:
    """What a project has of it."""

    runs: int
    flops: float
    datasets: int
    dataset_bytes: int
    statistics_bytes: int


@dataclass(frozen=True)
class Kept:
    """The runs that have ended of which the same part of the statistics is kept, and their size as stored."""

    retention: Retention
    runs: int
    bytes: int
