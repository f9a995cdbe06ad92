"""Schedules that start checks by cron expression, with the result of each due time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ...kernel.json import JsonObject
from ...kernel.status import StudyStatus
from ...kernel.vocabulary import CheckVerdict


@dataclass(frozen=True, kw_only=True)
class NewSchedule:
    """A schedule to be stored."""

    name: str
    cron: str
    zone: str
    baseline: str
    asks: JsonObject
    """The request body of the check."""
    request_id: str | None = None


@dataclass(frozen=True)
class Firing:
    """A due time of a schedule, and its result."""

    due_at: datetime
    fired_at: datetime
    check_id: str | None
    """None if no check could be started, or if it was deleted."""
    verdict: CheckVerdict | None
    status: StudyStatus | None
    problem: str | None
    """Why no check could be started."""


@dataclass(frozen=True, kw_only=True)
class Schedule(NewSchedule):
    """A schedule, with its latest firings."""

    project: str
    paused: bool
    since: datetime
    """When it was created or resumed; earlier due times are not made up."""
    created_at: datetime
    firings: Sequence[Firing]
    """The latest firings, newest first."""
