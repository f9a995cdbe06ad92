"""What the store takes and gives of baselines, checks and schedules: frozen records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from .records import JsonObject, Progress

CheckVerdict = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, kw_only=True)
class NewPin:
    """Runs that a baseline's name shall point at."""

    experiment: JsonObject
    """As it was posted, whatever the seed in it."""
    remedies: Sequence[JsonObject]
    seeds: Sequence[int]
    run_ids: Sequence[str]
    """One for each seed, in the same order."""
    study_id: str | None = None
    check_id: str | None = None
    arm: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Pin(NewPin):
    """What a baseline's name points at, or did until the next one."""

    id: str
    baseline: str
    pinned_at: datetime


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A pinned result set with a movable name."""

    name: str
    pin: Pin
    history: Sequence[Pin]
    """What the name pointed at, the newest first, the present one included; the last hundred."""
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewCheck:
    """A check to be stored together with its runs."""

    baseline: str
    pin_id: str
    """What the baseline's name pointed at when the check was made; it stays what the check is held against."""
    experiment: JsonObject
    remedies: Sequence[JsonObject]
    seeds: Sequence[int]
    margins: Mapping[str, float]
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Check(NewCheck):
    """A check, with its report once its runs have ended."""

    id: str
    schedule: str | None
    """The schedule that started it."""
    status: Literal["running", "succeeded", "failed", "canceled"]
    """Succeeded: there is a verdict, whatever it is. Failed: none of its runs could be trained."""
    verdict: CheckVerdict | None
    report: JsonObject | None
    cancel_requested: bool
    created_at: datetime
    ended_at: datetime | None
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class NewSchedule:
    """A cron line that starts checks."""

    name: str
    cron: str
    zone: str
    baseline: str
    asks: JsonObject
    """The body of the check."""
    request_id: str | None = None


@dataclass(frozen=True)
class Firing:
    """A due time of a schedule, and what came of it."""

    due_at: datetime
    fired_at: datetime
    check_id: str | None
    """None where no check could be made, or where it was deleted."""
    verdict: CheckVerdict | None
    status: str | None
    problem: str | None
    """Why no check could be made."""


@dataclass(frozen=True, kw_only=True)
class Schedule(NewSchedule):
    """A schedule, with its last firings."""

    paused: bool
    since: datetime
    """Due times before are not made up for: when it was made, or resumed."""
    created_at: datetime
    firings: Sequence[Firing]
    """The last ones, newest first."""
