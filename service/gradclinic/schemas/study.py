"""Studies, as they are answered."""

from datetime import datetime
from typing import Self

from ..kernel.status import StudyStatus
from .base import Answer, Json


class StudyProgressAnswer(Answer):
    """How far a study is."""

    runs: int
    by_status: dict[str, int]
    steps_done: int
    steps: int


class StudyUrls(Answer):
    """Where to go from a study."""

    self: str
    runs: str
    comparison: str
    events: str
    cancel: str
    page: str
    report: str
    """What the page shows, as one HTML file."""

    @classmethod
    def of_study(cls, study_id: str) -> Self:
        """The addresses of a study."""
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
    status: StudyStatus
    """Running until all runs have ended; succeeded if any succeeded; canceled if cancelled; else failed."""
    experiment: Json
    arms: list[Json]
    """The arm `baseline` first."""
    seeds: list[int]
    sweep: list[Json]
    progress: StudyProgressAnswer
    created_at: datetime
    ended_at: datetime | None
    urls: StudyUrls


class StudyPage(Answer):
    """A page of studies, newest first; the header `Link` leads to the next."""

    items: list[StudyAnswer]
    next: str | None
    """Where to continue; null at the end."""
