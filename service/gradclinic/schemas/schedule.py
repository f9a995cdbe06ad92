"""Schedules, as they are answered."""

from datetime import datetime

from pydantic import Field

from ..kernel.status import StudyStatus
from ..kernel.vocabulary import CheckVerdict
from .base import Answer, Json


class ScheduleUrls(Answer):
    """Where to go from a schedule."""

    self: str
    checks: str
    pause: str
    resume: str

    @classmethod
    def of(cls, name: str) -> "ScheduleUrls":
        """Those of a schedule."""
        at = f"/v1/schedules/{name}"
        return cls(self=at, checks=f"/v1/checks?schedule={name}", pause=f"{at}/pause", resume=f"{at}/resume")


class FiringAnswer(Answer):
    """A due time, and what came of it."""

    due_at: datetime
    fired_at: datetime
    check_id: str | None
    """Null where no check could be made, or where it was deleted."""
    status: StudyStatus | None
    verdict: CheckVerdict | None
    problem: str | None
    """Why no check could be made."""


class ScheduleAnswer(Answer):
    """A cron line that starts checks."""

    name: str
    cron: str
    zone: str
    check: Json
    """The check's body, as it was posted."""
    paused: bool
    next_due_at: datetime | None
    """Null while it is paused."""
    last: list[FiringAnswer]
    """The last due times, newest first."""
    created_at: datetime
    urls: ScheduleUrls = Field(default_factory=lambda known: ScheduleUrls.of(known["name"]))


class SchedulePage(Answer):
    """A page of schedules, by name; the header `Link` leads to the next."""

    items: list[ScheduleAnswer]
    next: str | None
    """Where to continue; null at the end."""
