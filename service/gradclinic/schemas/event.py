"""Events, as they are returned."""

from typing import Annotated, Literal

from pydantic import Field

from ..kernel.status import RunStatus, StudyStatus
from .base import Answer
from .diagnosis import FindingAnswer
from .run import ReasonAnswer


class StatusChange(Answer):
    """A run changed its status."""

    status: RunStatus
    step: int
    attempt: int
    reason: ReasonAnswer


class RunProgress(Answer):
    """Further steps of a run are recorded."""

    step: int
    steps: int | None
    so_far: list[str]
    """The conditions that the record shows up to here."""


class RunDone(Answer):
    """A run has ended, and no event follows."""

    status: RunStatus
    primary: str | None


class RunEnded(Answer):
    """One of a study's runs has ended."""

    run_id: str
    arm: str | None
    seed: int
    status: RunStatus
    primary: str | None


class StudyProgress(Answer):
    """Further steps of a study's runs are recorded."""

    runs: int
    by_status: dict[RunStatus, int]
    step: int
    steps: int


class StudyDone(Answer):
    """All runs of a study have ended, and no event follows."""

    status: StudyStatus


class EventAnswer(Answer):
    """Something that happened to a run or a study."""

    id: str
    """How far its reader is; ask again with `after` this id for what follows."""


class StatusEvent(EventAnswer):
    """A run changed its status."""

    event: Literal["status"]
    data: StatusChange


class RunProgressEvent(EventAnswer):
    """Further steps of a run are recorded."""

    event: Literal["progress"]
    data: RunProgress


class FindingEvent(EventAnswer):
    """A run's diagnosis has a finding."""

    event: Literal["finding"]
    data: FindingAnswer


class RunDoneEvent(EventAnswer):
    """A run has ended, and no event follows."""

    event: Literal["done"]
    data: RunDone


class RunEndedEvent(EventAnswer):
    """One of a study's runs has ended."""

    event: Literal["run"]
    data: RunEnded


class StudyProgressEvent(EventAnswer):
    """Further steps of a study's runs are recorded."""

    event: Literal["progress"]
    data: StudyProgress


class StudyDoneEvent(EventAnswer):
    """All runs of a study have ended, and no event follows."""

    event: Literal["done"]
    data: StudyDone


RunEvent = Annotated[StatusEvent | RunProgressEvent | FindingEvent | RunDoneEvent, Field(discriminator="event")]
StudyEvent = Annotated[RunEndedEvent | StudyProgressEvent | StudyDoneEvent, Field(discriminator="event")]


class RunEventPage(Answer):
    """What has happened to a run so far, after the id asked for."""

    items: list[RunEvent]
    last_id: str
    """Ask again with `after` this id."""
    done: bool
    """Whether nothing more will follow."""


class StudyEventPage(Answer):
    """What has happened to a study so far, after the id asked for."""

    items: list[StudyEvent]
    last_id: str
    """Ask again with `after` this id."""
    done: bool
    """Whether nothing more will follow."""
