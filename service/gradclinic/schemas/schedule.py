"""Responses about schedules."""

from datetime import datetime

from pydantic import Field

from ..kernel.status import StudyStatus
from ..kernel.vocabulary import CheckVerdict
from .base import Answer, Json


class ScheduleUrls(Answer):
    """Links of a schedule."""

    self: str
    checks: str
    pause: str
    resume: str

    @classmethod
    def of(cls, name: str) -> "ScheduleUrls":
        """The links of a schedule."""
        at = f"/v1/schedules/{name}"
        return cls(self=at, checks=f"/v1/checks?schedule={name}", pause=f"{at}/pause", resume=f"{at}/resume")


class FiringAnswer(Answer):
    """A due time, and its result."""

    due_at: datetime
    fired_at: datetime
    check_id: str | None
    """null if no check could be created, or if it was deleted."""
    status: StudyStatus | None
    verdict: CheckVerdict | None
    problem: str | None
    """Why no check could be created."""


class ScheduleAnswer(Answer):
    """A cron schedule that starts checks."""

    name: str
    cron: str
    zone: str
    check: Json
    """The body of the check, as posted."""
    paused: bool
    next_due_at: datetime | None
    """null while the schedule is paused."""
    last: list[FiringAnswer]
    """The last due times, newest first."""
    created_at: datetime
    urls: ScheduleUrls = Field(default_factory=lambda known: ScheduleUrls.of(known["name"]))


class SchedulePage(Answer):
    """A page of schedules, by name; the header `Link` has the address of the next page."""

    items: list[ScheduleAnswer]
    next: str | None
    """Value of `after` for the next page; null on the last page."""
