"""Responses about runs."""

from datetime import datetime
from typing import Literal

from ..kernel.status import Retention, RunSource, RunStatus
from .base import Answer, Json
from .diagnosis import DiagnosisAnswer


class ProgressAnswer(Answer):
    """The progress of a run."""

    step: int
    """Number of steps whose statistics are stored."""
    steps: int | None
    """Requested steps; null for a running external program that did not declare them."""


class ReasonAnswer(Answer):
    """The reason for a run's status."""

    code: str
    text: str


class RunMetricsAnswer(Answer):
    """The final metrics of a run; null if a metric is not available."""

    final_train_loss: float
    """Loss on the training samples after the last step."""
    relative_train_loss: float | None
    """The same relative to always predicting the average: 1 is nothing learned, 0 is perfect."""
    final_validation_loss: float | None
    final_validation_accuracy: float | None
    steps_to_target: int | None
    """First probed step whose probe loss was at most half of that of always predicting the average."""
    train_seconds: float | None
    """Seconds of training, without recording; of runs that were trained together, each one's part."""
    recording_seconds: float | None
    saved_share: float | None
    """Fraction of the steps saved by early stopping; null where `stop_when` did not stop the run."""
    loss_unit: float | None
    """One unit of this run's losses in squared units of the original targets: 1 unless targets were standardized. null
    for a classification, or if unknown."""
    alone_step_seconds: float | None
    """Seconds of a step, without recording, as it takes alone; null if the run was not trained with others."""


class RunUrls(Answer):
    """Links of a run."""

    self: str
    statistics: str
    profile: str
    curves: str
    diagnosis: str
    events: str
    cancel: str
    page: str
    report: str
    """The same as a self-contained HTML file."""


class RunSummaryAnswer(Answer):
    """One training, without its experiment: as it is in a list."""

    id: str
    name: str | None
    labels: dict[str, str]
    status: RunStatus
    reason: ReasonAnswer
    """The reason for its status, in words."""
    origin: Literal["service", "external"]
    """Where it was trained: by this service, or in an external program."""
    source: RunSource | None = None
    """What asked for it: a study, a search for a cure, a check, or nothing else (`own`). null if an earlier version
    stored it while this one was installed."""
    study_id: str | None
    arm: str | None
    sweep_point: Json | None
    """The swept values by JSON pointer; null without a sweep."""
    seed: int
    model: str | None = None
    """The model in words; null if the experiment declares none."""
    progress: ProgressAnswer
    remedies: list[Json]
    metrics: RunMetricsAnswer | None
    """Final metrics; null until the run has ended."""
    diagnosis: DiagnosisAnswer | None
    """null until the run has ended."""
    retention: Retention = "raw"
    """What is stored of its statistics: all (`raw`), some steps of each (`thinned`), or those of the whole run, such as
    losses, without those of layers (`summary`)."""
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    urls: RunUrls


class RunAnswer(RunSummaryAnswer):
    """One training."""

    notes: str | None = None
    """What people wrote about it."""
    experiment: Json
    """The experiment as posted; empty for an external program."""
    resolved_experiment: Json
    """The experiment as trained, after remedies."""


class TransitionAnswer(Answer):
    """One change of a run's status."""

    number: int
    status_before: str | None
    status: str
    attempt: int
    step: int
    reason: ReasonAnswer
    at: datetime


class RunDetailAnswer(RunAnswer):
    """One training, with its status history and environment."""

    transitions: list[TransitionAnswer]
    """Status history, oldest first."""
    environment: Json | None
    """Environment of the training: device, library versions, data digest, and with how many others it was trained
    (`lanes`), or why `alone`; null until a worker has started it."""
    repeatable: bool
    """Whether the service can train it again. False for external runs, and if its uploaded data set was deleted."""


class ListedRunAnswer(Answer):
    """One training as a line of a list: without remedies, diagnosis and links, and with the metrics that sort it."""

    id: str
    name: str | None
    labels: dict[str, str]
    status: RunStatus
    reason: ReasonAnswer
    """The reason for its status, in words."""
    origin: Literal["service", "external"]
    """Where it was trained: by this service, or in an external program."""
    source: RunSource | None
    """What asked for it: a study, a search for a cure, a check, or nothing else (`own`). null if an earlier version
    stored it while this one was installed."""
    study_id: str | None
    arm: str | None
    sweep_point: Json | None
    """The swept values by JSON pointer; null without a sweep."""
    seed: int
    model: str | None
    """The model in words; null if the experiment declares none."""
    progress: ProgressAnswer
    condition: str | None
    """The primary condition; null until the run has ended with a diagnosis."""
    final_train_loss: float | None
    relative_train_loss: float | None
    final_validation_loss: float | None
    final_validation_accuracy: float | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_s: float | None
    """Seconds from its start to its end; null until it has ended."""


class ListOfRuns(Answer):
    """A page of a list of runs; the header `Link` has the address of the next page."""

    next: str | None
    """Value of `after` for the next page; null on the last page."""
    total: int | None = None
    """Number of runs that match the filters, 100,000 if there are more; null unless `total=true` asks for it."""


class RunPage(ListOfRuns):
    """A page of runs; by default newest first."""

    items: list[RunSummaryAnswer]


class RunLinesPage(ListOfRuns):
    """A page of runs with `view=summary`."""

    items: list[ListedRunAnswer]
