"""Runs: a new run to be stored, and a run in its current state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ...diagnosis import Diagnosis
from ...kernel.json import JsonObject
from ...kernel.status import ENDED, Retention, RunSource, RunStatus
from ...measurements.ensemble import Form
from ...measurements.metrics import RunMetrics
from ...measurements.record import Layout, Outcome


@dataclass(frozen=True)
class Reason:
    """Why a run is in its state: a machine-readable code and a text."""

    code: str
    text: str


@dataclass(frozen=True)
class CheckpointPointer:
    """The current checkpoint of a run; its data is stored in the checkpoint folder under `name`."""

    name: str
    step: int
    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """A validated and resolved run to be stored and queued."""

    experiment: JsonObject
    """The experiment as posted."""
    resolved_experiment: JsonObject
    """The experiment after applying sweep point, remedies and seed."""
    digest: str
    """Digest of the resolved experiment and seed."""
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
    flops: float | None = None
    """Floating-point operations of all steps; None for a run that workers do not train."""
    request_id: str | None = None
    traceparent: str | None = None
    """The span of the request that submits it, as in the header of W3C Trace Context; None without traces."""
    form: Form | None = None
    """What it has in common with runs that can be trained with it; None if it is trained alone. It is not stored."""
    ensemble: str | None = None
    """The runs that are trained together have the same one; None for a run that is trained alone."""


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """What every view of a run has: what it is, what asked for it, and how far it is."""

    id: str
    name: str | None
    labels: Mapping[str, str]
    status: RunStatus
    reason: Reason
    origin: str
    source: RunSource | None
    """None for a run that an earlier version stored while this one was installed."""
    study_id: str | None
    arm: str | None
    point: JsonObject | None
    seed: int
    model: str | None
    """The model in words; None if the experiment declares none."""
    step: int
    """Number of steps whose statistics are stored."""
    steps: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ListedRun(RunLine):
    """A run as a line of a list: what can be shown without reading a document whose size grows with its network."""

    condition: str | None
    final_train_loss: float | None
    relative_train_loss: float | None
    final_validation_loss: float | None
    final_validation_accuracy: float | None

    @property
    def duration_s(self) -> float | None:
        """Seconds from its start to its end; None until both are known."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, kw_only=True)
class RunSummary(RunLine):
    """A run in its current state, without the documents whose size grows with its network."""

    remedies: Sequence[JsonObject]
    digest: str
    queue: str
    priority: int
    """Its place among the runs of its project; the lowest is next."""
    attempt: int
    """How often a worker has claimed it; the current number is the fencing token."""
    owner: str | None
    lease_until: datetime | None
    cancel_requested: bool
    checkpoint: CheckpointPointer | None
    transition_count: int
    """Increases with every change of state."""
    queued_at: datetime
    outcome: Outcome | None
    metrics: RunMetrics | None
    """None until it has ended with an outcome."""
    metrics_stored: bool
    """None for runs ended by an earlier version; their metrics are computed from the outcome only."""
    environment: JsonObject | None
    diagnosis: Diagnosis | None
    """None until it has ended."""
    retention: Retention
    """What is stored of its statistics."""
    request_id: str | None

    @property
    def ended(self) -> bool:
        """Whether its state is final."""
        return self.status in ENDED


@dataclass(frozen=True, kw_only=True)
class Run(RunSummary):
    """A run in its current state, with its documents."""

    experiment: JsonObject
    resolved_experiment: JsonObject
    layout: Layout | None
    """None until a worker has claimed it."""
    notes: str | None
    """What people wrote about it."""
    traceparent: str | None
    """The span of the request that submitted it."""


@dataclass(frozen=True)
class Transition:
    """One change of a run's state."""

    number: int
    status_before: RunStatus | None
    status: RunStatus
    attempt: int
    step: int
    owner: str | None
    reason: Reason
    at: datetime


@dataclass(frozen=True)
class Message:
    """A run to announce to the workers."""

    run_id: str
    queue: str
