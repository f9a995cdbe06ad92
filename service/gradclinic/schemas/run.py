"""Runs, as they are answered."""

from datetime import datetime
from typing import Literal

from ..kernel.status import RunStatus
from .base import Answer, Json
from .diagnosis import DiagnosisAnswer


class ProgressAnswer(Answer):
    """How far a run is."""

    step: int
    """Steps whose statistics are stored."""
    steps: int | None
    """Steps that were asked for; null while a user's own program goes on that did not say."""


class ReasonAnswer(Answer):
    """Why a run is in its state."""

    code: str
    text: str


class RunMetricsAnswer(Answer):
    """How a run ended, in numbers; null where it has no such number."""

    final_train_loss: float
    """Loss on the training samples after the last step."""
    relative_train_loss: float | None
    """The same relative to always predicting the average: 1 is nothing learned, 0 is perfect."""
    final_validation_loss: float | None
    final_validation_accuracy: float | None
    steps_to_target: int | None
    """First probed step whose probe loss was at most half of that of always predicting the average."""
    train_seconds: float | None
    """Seconds of training, without recording."""
    recording_seconds: float | None
    saved_share: float | None
    """Fraction of the steps saved by early stopping; null where `stop_when` did not stop the run."""
    loss_unit: float | None
    """How many units of the targets as they are, squared, one unit of this run's losses is: 1 unless they were
    standardized. Null for a classification, and where it is not known."""


class RunUrls(Answer):
    """Where to go from a run."""

    self: str
    statistics: str
    profile: str
    curves: str
    diagnosis: str
    events: str
    cancel: str
    page: str
    report: str
    """What the page shows, as one HTML file."""


class RunAnswer(Answer):
    """One training."""

    id: str
    name: str | None
    labels: dict[str, str]
    status: RunStatus
    reason: ReasonAnswer
    """Why it is in this state, in words."""
    origin: Literal["service", "external"]
    """Who trained it: this service, or a user's own program."""
    study_id: str | None
    arm: str | None
    sweep_point: Json | None
    """The sweep's values by JSON pointer; null without a sweep."""
    seed: int
    progress: ProgressAnswer
    experiment: Json
    """As it was posted; empty where a user's own program trained."""
    remedies: list[Json]
    resolved_experiment: Json
    """As it is trained."""
    metrics: RunMetricsAnswer | None
    """How it ended; null until it has."""
    diagnosis: DiagnosisAnswer | None
    """Null until it has ended."""
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    urls: RunUrls


class TransitionAnswer(Answer):
    """One change of a run's state."""

    number: int
    status_before: str | None
    status: str
    attempt: int
    step: int
    reason: ReasonAnswer
    at: datetime


class RunDetailAnswer(RunAnswer):
    """One training, with how it got here and where it ran."""

    transitions: list[TransitionAnswer]
    """Every change of its state, oldest first."""
    environment: Json | None
    """Fingerprint of where it was trained: device, library versions, data digest; null until a worker took it."""
    repeatable: bool
    """Whether the service could train it again: not where its uploaded data set was deleted, and no external run."""


class RunPage(Answer):
    """A page of runs, newest first; the header `Link` leads to the next."""

    items: list[RunAnswer]
    next: str | None
    """Where to continue; null at the end."""
