"""Responses about studies."""

from datetime import datetime

from typing_extensions import Self

from ..kernel.status import StudyStatus
from .base import Answer, Json


class StudyProgressAnswer(Answer):
    """The progress of a study."""

    runs: int
    by_status: dict[str, int]
    steps_done: int
    steps: int


class StudyUrls(Answer):
    """Links of a study."""

    self: str
    runs: str
    comparison: str
    events: str
    cancel: str
    page: str
    report: str
    """The same as a self-contained HTML file."""

    @classmethod
    def of_study(cls, study_id: str) -> Self:
        """The links of a study."""
        at = f"/v1/studies/{study_id}"
        return cls(
            self=at,
            runs=f"/v1/runs?study={study_id}",
            comparison=f"{at}/comparison",
            events=f"{at}/events",
            cancel=f"{at}/cancel",
            page=f"/studies/{study_id}",
            report=f"{at}/report",
        )


class StudyAnswer(Answer):
    """One experiment, several arms, several seeds."""

    id: str
    name: str | None
    labels: dict[str, str]
    notes: str | None = None
    """What people wrote about it."""
    status: StudyStatus
    """`running` until all runs have ended; then `succeeded` if any succeeded, `canceled` if cancelled, or `failed`."""
    experiment: Json
    arms: list[Json]
    """The arms; `baseline` comes first. `patch` is a JSON Patch (RFC 6902) of what an arm changes of the baseline's
    experiment with all defaults, in a sweep at its first point. Studies of earlier versions do not have it."""
    seeds: list[int]
    sweep: list[Json]
    progress: StudyProgressAnswer
    created_at: datetime
    ended_at: datetime | None
    urls: StudyUrls


class StudyPage(Answer):
    """A page of studies, newest first; the header `Link` has the address of the next page."""

    items: list[StudyAnswer]
    next: str | None
    """Value of `after` for the next page; null on the last page."""
