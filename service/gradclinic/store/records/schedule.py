"""Schedules: cron lines that start checks, and what came of each due time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ...kernel.json import JsonObject
from ...kernel.status import StudyStatus
from ...kernel.vocabulary import CheckVerdict


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
    status: StudyStatus | None
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
