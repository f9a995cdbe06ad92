"""What the store takes and gives: frozen records. Rows never leave the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Generic, Literal, TypeVar

from ..measurements.record import Outcome

Task = Literal["classification", "regression"]
JsonObject = Mapping[str, Any]
Status = Literal["queued", "running", "succeeded", "failed", "canceled", "expired"]
StudyStatus = Literal["running", "succeeded", "failed", "canceled"]
Item = TypeVar("Item")

ENDED: tuple[Status, ...] = ("succeeded", "failed", "canceled", "expired")
"""The states that a run never leaves."""


@dataclass(frozen=True)
class Reason:
    """Why a run is in its state: a code for programs, a text for a person."""

    code: str
    text: str


@dataclass(frozen=True)
class CheckpointPointer:
    """The one resume state of a run that counts; the bytes lie in the checkpoint folder under `name`."""

    name: str
    step: int
    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """A run to be stored: accepted, resolved, and ready to be queued."""

    experiment: JsonObject
    """As it was posted."""
    resolved_experiment: JsonObject
    """After sweep point, remedies and seed."""
    digest: str
    """Of the resolved experiment and seed."""
    seed: int
    steps: int
    remedies: Sequence[JsonObject] = ()
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    origin: Literal["service", "external"] = "service"
    arm: str | None = None
    point: JsonObject | None = None
    """The sweep's values by JSON pointer; None without a sweep."""
    queue: Literal["cpu", "gpu"] = "cpu"
    priority: int = 3
    """0 (first) to 9 (last)."""
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewStudy:
    """A study to be stored together with all its runs."""

    experiment: JsonObject
    arms: Sequence[JsonObject]
    """In order, the baseline included: {"name", "remedies"} or {"name", "experiment"}."""
    seeds: Sequence[int]
    sweep: Sequence[JsonObject] = ()
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None


@dataclass(frozen=True)
class Idempotency:
    """A client's key for one request, and a digest of what it asked for."""

    key: str
    fingerprint: str


@dataclass(frozen=True)
class Created(Generic[Item]):
    """What a request created; `replayed` when an earlier request with the same key had done so."""

    item: Item
    replayed: bool
    messages: "tuple[Message, ...]" = ()
    """The runs to announce to the workers, now that they are stored."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run in its present state."""

    id: str
    name: str | None
    labels: Mapping[str, str]
    status: Status
    reason: Reason
    origin: str
    study_id: str | None
    arm: str | None
    point: JsonObject | None
    seed: int
    experiment: JsonObject
    remedies: Sequence[JsonObject]
    resolved_experiment: JsonObject
    digest: str
    step: int
    """Steps whose statistics are stored."""
    steps: int
    queue: str
    priority: int
    attempt: int
    """How often a worker has claimed it; the number of the present attempt is its fencing token."""
    owner: str | None
    lease_until: datetime | None
    cancel_requested: bool
    checkpoint: CheckpointPointer | None
    transition_count: int
    """Grows with every change of state."""
    created_at: datetime
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    layout: JsonObject | None
    outcome: Outcome | None
    environment: JsonObject | None
    diagnosis: JsonObject | None
    """In the contract's form."""
    request_id: str | None

    @property
    def ended(self) -> bool:
        """Whether it will never change state again."""
        return self.status in ENDED

    @property
    def metrics(self) -> dict[str, float | int | None] | None:
        """The contract's metrics; None until the run has succeeded."""
        if self.outcome is None:
            return None
        outcome = self.outcome
        return {
            **outcome.metrics,
            "saved_share": 1 - outcome.steps_done / self.steps if outcome.stopped_on is not None else None,
        }


@dataclass(frozen=True)
class Transition:
    """One change of a run's state."""

    number: int
    status_before: Status | None
    status: Status
    attempt: int
    step: int
    owner: str | None
    reason: Reason
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a study is: its runs by status, and their steps together."""

    runs: int
    by_status: Mapping[Status, int]
    steps_done: int
    steps: int

    @property
    def unfinished(self) -> int:
        """Runs that are queued or running."""
        return self.by_status.get("queued", 0) + self.by_status.get("running", 0)


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study, with the state that follows from its runs."""

    id: str
    name: str | None
    labels: Mapping[str, str]
    experiment: JsonObject
    arms: Sequence[JsonObject]
    seeds: Sequence[int]
    sweep: Sequence[JsonObject]
    cancel_requested: bool
    created_at: datetime
    ended_at: datetime | None
    """When its last run ended; None while one has not."""
    progress: Progress
    request_id: str | None

    @property
    def status(self) -> StudyStatus:
        """Running until all runs have ended; succeeded if any succeeded; canceled if cancelled; else failed."""
        if self.progress.unfinished:
            return "running"
        if self.progress.by_status.get("succeeded"):
            return "succeeded"
        return "canceled" if self.cancel_requested or self.progress.by_status.get("canceled") else "failed"


@dataclass(frozen=True, kw_only=True)
class NewPrescription:
    """A search for a cure to be stored."""

    experiment: JsonObject
    budget: JsonObject
    seed: int
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Prescription:
    """A search for a cure, with the report of its last whole round."""

    id: str
    name: str | None
    labels: Mapping[str, str]
    status: StudyStatus
    experiment: JsonObject
    budget: JsonObject
    seed: int
    report: JsonObject | None
    """None until its first runs are queued."""
    cancel_requested: bool
    created_at: datetime
    ended_at: datetime | None
    progress: Progress
    """Of its runs so far."""
    request_id: str | None


@dataclass(frozen=True)
class DatasetRecord:
    """What is known of an uploaded data set."""

    id: str
    digest: str
    task: Task
    rows: int
    shape: tuple[int, ...]
    """Of one row's inputs."""
    outputs: int
    classes: Sequence[str] | None
    """Names of the classes 0, 1, ...; None for a regression."""
    features: Sequence[str] | None
    """Names of the columns; None where the upload had none."""
    created_at: datetime
    bytes: int
    """Of the arrays as they are stored, compressed."""


@dataclass(frozen=True)
class DeletedDataset:
    """What stays known of a data set that was deleted, so that runs on it can be looked at."""

    id: str
    task: Task
    rows: int
    shape: tuple[int, ...]
    """Of one row's inputs."""
    outputs: int


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A slice of a list, newest first; `next` is the key to continue from, None at the end."""

    items: Sequence[Item]
    next: str | None


@dataclass(frozen=True)
class Claim:
    """A worker's right to a run: it holds as long as the lease does and no later attempt began."""

    run_id: str
    attempt: int
    owner: str
    run: Run


class Order(Enum):
    """What a worker learns about the run it holds."""

    CONTINUE = "continue"
    CANCEL = "cancel"
    LOST = "lost"


@dataclass(frozen=True)
class Message:
    """A run that should be announced to the workers."""

    run_id: str
    queue: str
    priority: int


@dataclass(frozen=True, kw_only=True)
class Vitals:
    """What whoever operates the service watches."""

    runs: Mapping[tuple[str, str], int]
    """Number of runs by status and reason's code."""
    transitions: Mapping[tuple[str, str], int]
    """How often runs changed to a status, by reason's code: lost leases are ("queued", "lease_expired")."""
    oldest_queued_s: Mapping[str, float]
    """Age in seconds of the run that has waited longest, by queue."""
    overdue: int
    """Running runs whose lease ran out, and that no reconciler has taken back yet."""
    workers: Mapping[str, int]
    """Workers seen lately, by device."""
    busy_workers: int
    """Those of them that train."""
    steps_done: int
    """Steps that are stored of all runs together; its growth is the step rate."""
    checks: Mapping[tuple[str, str], int]
    """Number of checks by status and verdict, which is "" where there is none."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker process that has been seen lately."""

    owner: str
    queue: str
    device: str
    run_id: str | None
    started_at: datetime
    seen_at: datetime
