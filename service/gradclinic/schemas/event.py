"""Responses about events."""

from typing import Annotated, Literal

from pydantic import Field

from ..kernel.status import RunStatus, StudyStatus
from .base import Answer, Json
from .diagnosis import FindingAnswer
from .run import ReasonAnswer


class StatusChange(Answer):
    """A run changed its status."""

    status: RunStatus
    step: int
    attempt: int
    reason: ReasonAnswer


class RunProgress(Answer):
    """More steps of a run have been recorded."""

    step: int
    steps: int | None
    so_far: list[str]
    """The conditions in the record so far."""


class RunDone(Answer):
    """A run has ended; no more events follow."""

    status: RunStatus
    primary: str | None


class RunEnded(Answer):
    """A run of a study has ended."""

    run_id: str
    arm: str | None
    seed: int
    sweep_point: Json | None = None
    """The swept values by JSON pointer; null without a sweep."""
    status: RunStatus
    primary: str | None


class StudyProgress(Answer):
    """More steps of a study's runs have been recorded."""

    runs: int
    by_status: dict[RunStatus, int]
    step: int
    steps: int


class StudyDone(Answer):
    """All runs of a study have ended; no more events follow."""

    status: StudyStatus


class EventAnswer(Answer):
    """An event of a run or a study."""

    id: str
    """Position of the event; request `after` this id for later events."""


class StatusEvent(EventAnswer):
    """A run changed its status."""

    event: Literal["status"]
    data: StatusChange


class RunProgressEvent(EventAnswer):
    """More steps of a run have been recorded."""

    event: Literal["progress"]
    data: RunProgress


class FindingEvent(EventAnswer):
    """A run's diagnosis has a finding."""

    event: Literal["finding"]
    data: FindingAnswer


class RunDoneEvent(EventAnswer):
    """A run has ended; no more events follow."""

    event: Literal["done"]
    data: RunDone


class RunEndedEvent(EventAnswer):
    """A run of a study has ended."""

    event: Literal["run"]
    data: RunEnded


class StudyProgressEvent(EventAnswer):
    """More steps of a study's runs have been recorded."""

    event: Literal["progress"]
    data: StudyProgress


class StudyDoneEvent(EventAnswer):
    """All runs of a study have ended; no more events follow."""

    event: Literal["done"]
    data: StudyDone


RunEvent = Annotated[StatusEvent | RunProgressEvent | FindingEvent | RunDoneEvent, Field(discriminator="event")]
StudyEvent = Annotated[RunEndedEvent | StudyProgressEvent | StudyDoneEvent, Field(discriminator="event")]


class RunEventPage(Answer):
    """What has happened to a run so far, after the requested id."""

    items: list[RunEvent]
    last_id: str
    """Value of `after` for the next request."""
    done: bool
    """Whether no more events will follow."""


class StudyEventPage(Answer):
    """What has happened to a study, a check or a prescription so far, after the requested id."""

    items: list[StudyEvent]
    last_id: str
    """Value of `after` for the next request."""
    done: bool
    """Whether no more events will follow."""
